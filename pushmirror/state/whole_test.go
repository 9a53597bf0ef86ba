package state

import (
	"bufio"
	"bytes"
)

// formatSeen is what writeSeen writes.
func formatSeen(s *Seen, where string) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	writeSeen(w, s, where)
	_ = w.Flush() // a buffer takes all
	return b.Bytes()
}
