// Package credentials reads what a remote logs in with: anew at each attempt, so that a
// token that was replaced works at once.
package credentials

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/program"
)

// limit is how long a password_command may take. One that asks somebody would never end.
const limit = time.Minute

// maxPassword is more than any password or token has, in bytes. What is longer is some other text,
// given by mistake, and masking it in what git says would take long.
const maxPassword = 16 << 10

// Password reads the password of a login; env, of "KEY=value", is what a password_command
// gets, as far as git may see it. Its error is a *git.Error, of the kind auth, whose hint
// names the file or key to look at, or a *config.Error for a file that others can read.
func Password(ctx context.Context, login config.Login, env []string) (string, error) {
	switch {
	case login.PasswordFile != "":
		return fromFile(login.PasswordFile)
	case login.PasswordCommand != nil:
		return fromCommand(ctx, login.PasswordCommand, env)
	}
	return login.Password.Reveal(), nil
}

func fromFile(path string) (string, error) {
	fail := func(err error) (string, error) {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return "", &git.Error{
			Kind: git.KindAuth, Err: fmt.Errorf("reading password_file %s: %w", path, err),
			Hint: "let the first line of " + path + " be the password or token, for the user who runs git-push-mirror to read",
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() {
		return fail(errors.New("it is no regular file"))
	}
	if err := config.CheckPrivate(path, info); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	password, err := FirstLine(f)
	if err != nil {
		return fail(err)
	}
	return password, nil
}

func fromCommand(ctx context.Context, argv, env []string) (string, error) {
	p := program.Program{Argv: argv, Env: git.Environ(env), Limit: limit, Discreet: true}
	out, err := p.Run(ctx)
	var password string
	if err == nil {
		password, err = FirstLine(strings.NewReader(out))
	}
	if err != nil {
		return "", &git.Error{
			Kind: git.KindAuth, Err: fmt.Errorf("password_command: %w", err),
			Hint: "run it by hand, as the user who runs git-push-mirror: its first line has to be the password or token",
		}
	}
	return password, nil
}

// FirstLine reads a password: the first line, without its end. It reads no more than it must.
func FirstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword)).ReadString('\n')
	line, whole := strings.CutSuffix(line, "\n")
	tooLong := !whole && len(line) == maxPassword
	line = strings.TrimSuffix(line, "\r")
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return "", err
	case line == "":
		return "", errors.New("its first line is empty")
	case tooLong:
		return "", errors.New("its first line is longer than any password or token")
	case strings.ContainsAny(line, "\x00\r"):
		return "", errors.New("its first line has a NUL or a carriage return in it")
	}
	return line, nil
}
