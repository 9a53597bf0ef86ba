package config

// settings are the tables that answer for a key, the one that wins first.
type settings []*table

// lookup returns the value of a key, or what holds if no table has it, and whether one has. T is
// the type that the key's parser gives.
func lookup[T any](s settings, name string) (value T, given bool) {
	for _, t := range s {
		if value, given = t.values[name].(T); given {
			return value, true
		}
	}
	value, _ = findKey(name, everywhere).def.(T)
	return value, false
}

// get returns the value of a key, or what holds if no table has it.
func get[T any](s settings, name string) T {
	value, _ := lookup[T](s, name)
	return value
}
