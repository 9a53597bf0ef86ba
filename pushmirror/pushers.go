package pushmirror

import (
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// pushers tell by whose push a ref has its value, for the log. The entry "" is who pushed
// refs that are not named.
type pushers map[git.RefName]string

// maxPushers is how many of them are remembered from one update to the next.
const maxPushers = 1000

// knownPushers adds the pushes of the marks to what was known before; the last push of a ref
// counts.
func knownPushers(before map[git.RefName]string, pushes []state.Push) pushers {
	known := pushers{}
	for name, pusher := range before {
		known[name] = pusher
	}
	for _, p := range pushes {
		if p.Refs == nil {
			clear(known)
			known[""] = p.Pusher
		}
		for _, name := range p.Refs {
			known[name] = p.Pusher
		}
	}
	return known
}

// of is who pushed the ref; "" if that is not known.
func (p pushers) of(name git.RefName) string {
	if pusher, ok := p[name]; ok {
		return pusher
	}
	return p[""]
}

// all are those to remember while nothing has been delivered.
func (p pushers) all() map[git.RefName]string {
	if len(p) > maxPushers {
		return nil
	}
	return p
}

// ofThose are those to remember of the refs that an update has left.
func (p pushers) ofThose(r state.Record) map[git.RefName]string {
	left := map[git.RefName]string{}
	remember := func(name git.RefName) {
		if pusher := p.of(name); pusher != "" && len(left) < maxPushers {
			left[name] = pusher
		}
	}
	for _, d := range r.Divergent {
		remember(d.Name)
	}
	for _, refusal := range r.Rejected {
		remember(refusal.Name)
	}
	return left
}
