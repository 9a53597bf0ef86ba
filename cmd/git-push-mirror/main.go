// Git-push-mirror keeps copies of a bare repository on other servers: it is the
// post-receive hook that mirrors each push, and the command that its owner looks and
// steers with.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), invocation{
		args: os.Args, env: os.Environ(), dir: ".",
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}
