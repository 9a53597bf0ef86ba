package config

// A Key is what whoever writes a config has to know of a key.
type Key struct {
	Name    string
	Headers []string // of the tables that it may stand in, [defaults] before [[remote]]; "" for the top of a file
	System  bool     // allowed in the system file only
	Means   string   // completes "NAME: "
	Example string   // a value, as TOML
	Default string   // the value that holds if no file has the key, as TOML; "" for none
	Except  string   // where another value holds, and which: completes "but "; "" for nowhere
}

// Keys lists all keys, the general ones first.
func Keys() []Key {
	keys := make([]Key, 0, len(schema))
	for _, k := range schema {
		known := Key{Name: k.name, System: k.system, Means: k.means, Example: k.example, Default: asTOML(k.def), Except: k.except}
		for _, header := range Headers() {
			if k.places&placeOf(header) != 0 {
				known.Headers = append(known.Headers, header)
			}
		}
		keys = append(keys, known)
	}
	return keys
}

// Headers lists how the tables of a file begin, the top with "".
func Headers() []string {
	headers := []string{""}
	for _, kind := range tables {
		headers = append(headers, kind.header)
	}
	return headers
}

// placeOf is the place that a header opens.
func placeOf(header string) place {
	for _, kind := range tables {
		if kind.header == header {
			return kind.place
		}
	}
	return atTop
}
