module git-push-mirror

go 1.26.0

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/gofrs/flock v0.13.1
)

require golang.org/x/sys v0.47.0 // indirect
