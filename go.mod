module git-push-mirror

go 1.26.0
