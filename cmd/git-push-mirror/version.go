package main

import "runtime/debug"

// version is what git describe said when the program was built by make; "" otherwise.
var version string

// programVersion is version or, where go built the program by itself, what go noted down: the
// version of the module, or the commit that the source was at.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return noted(info)
}

// noted is the version that go noted down.
func noted(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	switch revision := settings["vcs.revision"]; {
	case revision != "" && settings["vcs.modified"] == "true":
		return revision + "-dirty"
	case revision != "":
		return revision
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	return "unknown"
}
