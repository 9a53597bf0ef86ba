//go:build !linux

package git

import "os/exec"

// endMarked would end the processes of an update that was killed; only Linux tells which
// they are.
func endMarked(string) {}

// endWithUs would have the kernel end a command when we die; only Linux can. Elsewhere git
// ends by itself, when the mirror or its own pipes do.
func endWithUs(*exec.Cmd) (release func()) { return func() {} }
