package config

// settings are the tables that answer for a key, the one that wins first.
type settings []*table

// lookup returns the value of a key, and whether any table has it. T is the
// type that the key's parser gives.
func lookup[T any](s settings, name string) (T, bool) {
	for _, t := range s {
		if value, ok := t.values[name].(T); ok {
			return value, true
		}
	}
	var none T
	return none, false
}

// get returns the value of a key, or what holds if no table has it.
func get[T any](s settings, name string, otherwise T) T {
	if value, ok := lookup[T](s, name); ok {
		return value
	}
	return otherwise
}
