package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
)

// readRemotes reads remotes from JSON: objects, or arrays of objects. Those that status printed
// are in statuses too. Its error tells all that is wrong.
func readRemotes(r io.Reader) (drafts, statuses []*config.Draft, err error) {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	var errs []error
	inArray := false
	for n := 1; ; {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && !inArray:
			if len(drafts)+len(errs) == 0 {
				errs = append(errs, usageError{errors.New("there is no object on the standard input"), jsonHint})
			}
			return drafts, statuses, errors.Join(errs...)
		case err != nil:
			return nil, nil, usageError{fmt.Errorf("the standard input is no JSON: %w", err), jsonHint}
		case token == json.Delim('[') && !inArray:
			inArray = true
		case token == json.Delim(']'):
			inArray = false
		case token == json.Delim('{'):
			d, isStatus, err := readRemote(decoder, n)
			n++
			switch {
			case err != nil:
				errs = append(errs, err...)
			case isStatus:
				statuses = append(statuses, d)
				fallthrough
			default:
				drafts = append(drafts, d)
			}
		default:
			return nil, nil, usageError{errors.New("the standard input has JSON that is no object of a remote"), jsonHint}
		}
	}
}

const jsonHint = "give objects such as git push-mirror status --json prints, one or more, or in an array"

// readRemote reads the rest of the n-th object.
func readRemote(decoder *json.Decoder, n int) (d *config.Draft, isStatus bool, errs []error) {
	fields := map[string]any{}
	var names []string
	for decoder.More() {
		token, err := decoder.Token()
		var value any
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return nil, false, []error{usageError{fmt.Errorf("the standard input is no JSON: %w", err), jsonHint}}
		}
		name, _ := token.(string)
		if _, twice := fields[name]; twice {
			errs = append(errs, about(n, fields, &config.Error{Message: fmt.Sprintf("%q stands in the object twice", name), Hint: "keep one of the two"}))
		}
		fields[name] = fromJSON(value)
		names = append(names, name)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, false, []error{usageError{fmt.Errorf("the standard input is no JSON: %w", err), jsonHint}}
	}
	name, _ := fields["name"].(string)
	d, err := config.NewDraft(name)
	if err != nil {
		return nil, false, append(errs, about(n, fields, err))
	}
	masked := false
	for _, name := range names {
		value := fields[name]
		if name == "url" {
			value, masked = unmasked(value)
		}
		if value == nil || name == "name" || isStatusField()[name] {
			continue
		}
		if name == "url" && value == "" && fields["enabled"] == false {
			continue // a remote is switched off by its name alone
		}
		err := d.Set(name, value)
		if list, ok := value.([]any); ok && len(list) == 0 && err != nil {
			continue // where an empty list means nothing, status has it for what is not set
		}
		if err != nil {
			errs = append(errs, about(n, fields, err))
		}
	}
	if (masked || fields["auth_method"] == "password") && !hasPassword(d) {
		errs = append(errs, about(n, fields, &config.Error{
			Message: "it logs in with a password or token, and there is none in the object: status shows no secrets",
			Hint: `add "username" and one of "password_file", "password_command" and "password"; or, if git itself ` +
				`knows the password, take "auth_method" and the asterisks in the url out`,
		}))
	}
	return d, fields["update_status"] != nil, errs
}

// about says which object an error is about.
func about(n int, fields map[string]any, err error) error {
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		return err
	}
	label := fmt.Sprintf("object %d", n)
	if name, ok := fields["name"].(string); ok {
		if _, err := config.NewDraft(name); err == nil {
			label = name
		}
	}
	told := *e
	told.Message = label + ": " + e.Message
	return &told
}

// unmasked takes the asterisks out of a url that status printed.
func unmasked(value any) (any, bool) {
	text, _ := value.(string)
	u, err := config.ParseURL(text)
	if err != nil || !u.HasUserinfo() || u.String() != text {
		return value, false
	}
	return u.WithUser(""), true
}

func hasPassword(d *config.Draft) bool {
	return d.Has("password") || d.Has("password_file") || d.Has("password_command")
}

// fromJSON gives a value of JSON the type that the same has in TOML.
func fromJSON(value any) any {
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Int64(); err == nil {
			return n
		}
		f, _ := value.Float64()
		return f
	case []any:
		for i, item := range value {
			value[i] = fromJSON(item)
		}
	}
	return value
}

// isStatusField has the fields of status --json and sync --json that are no keys of a remote.
var isStatusField = sync.OnceValue(func() map[string]bool {
	fields := map[string]bool{}
	for _, t := range []reflect.Type{reflect.TypeFor[pushmirror.Status](), reflect.TypeFor[syncOutcome]()} {
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				fields[name] = true
			}
		}
	}
	for _, key := range config.Keys() {
		if key.Headers[len(key.Headers)-1] == remoteHeader {
			delete(fields, key.Name)
		}
	}
	return fields
})

const remoteHeader = "[[remote]]"
