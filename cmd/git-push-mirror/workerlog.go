package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/queue"
)

// workerLog is the log that the configuration asks for.
func (inv invocation) workerLog(c config.Log, q *queue.Queue) (*logrus.Logger, error) {
	log := logrus.New()
	level, err := logrus.ParseLevel(string(c.Level))
	if err != nil {
		return nil, fmt.Errorf("[log] level: %w", err)
	}
	log.SetLevel(level)
	if c.Format == config.FormatJSON {
		log.SetFormatter(&logrus.JSONFormatter{})
	}
	switch c.Output {
	case config.OutputStderr:
		log.SetOutput(inv.stderr)
		if f, ok := inv.stderr.(*os.File); ok && isFile(f, q.Log()) {
			log.SetOutput(&boundedLog{file: f, path: q.Log()})
		}
	case config.OutputJournal:
		if !inv.stderrIsJournal() {
			return nil, usageError{
				errors.New("[log] output is the journal, but stderr does not lead there"),
				`it does in a service of systemd's; elsewhere write output = "stderr", or the path of a file`,
			}
		}
		log.SetOutput(inv.stderr)
		log.SetFormatter(journalFormatter{&logrus.TextFormatter{DisableColors: true, DisableTimestamp: true}})
	default:
		f, err := openLog(c.Output)
		if err != nil {
			return nil, fmt.Errorf("[log] output: %w", err)
		}
		log.SetOutput(&boundedLog{file: f, path: c.Output, follows: true})
	}
	return log, nil
}

func openLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// isFile reports whether an open file is the one of that path.
func isFile(f *os.File, path string) bool {
	open, err := f.Stat()
	named, namedErr := os.Stat(path)
	return err == nil && namedErr == nil && os.SameFile(open, named)
}

// maxWorkerLog is how long the worker's log may become, in bytes.
const maxWorkerLog = 10 << 20

// boundedLog writes to a file, opened for appending, that becomes the old one of its name
// when it is too long. The file is copied and cut rather than renamed, since a panic goes to
// the descriptors that the worker was started with.
type boundedLog struct {
	mu   sync.Mutex
	file *os.File
	path string
	// follows: a file that logrotate has renamed or removed is followed by a new one of that name.
	follows bool
}

// Write implements io.Writer.
func (b *boundedLog) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.follows && !isFile(b.file, b.path) {
		if f, err := openLog(b.path); err == nil { // or the old one is better than none
			_ = b.file.Close()
			b.file = f
		}
	}
	if info, err := b.file.Stat(); err == nil && info.Size() > maxWorkerLog {
		_ = b.setAside() // what cannot be kept, most likely since the disk is full, is cut all the same
		_ = b.file.Truncate(0)
	}
	return b.file.Write(line)
}

func (b *boundedLog) setAside() error {
	from, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(b.path+".old", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// stderrIsJournal reports whether systemd connected stderr to the journal: $JOURNAL_STREAM names
// the file then (systemd.exec(5)).
func (inv invocation) stderrIsJournal() bool {
	f, ok := inv.stderr.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	inode := disk.InodeOf(info)
	return inv.getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", inode.Device, inode.Number)
}

// journalFormatter begins each line with its level, as sd-daemon(3) has the journal read it.
type journalFormatter struct{ logrus.Formatter }

// Format implements logrus.Formatter.
func (f journalFormatter) Format(entry *logrus.Entry) ([]byte, error) {
	line, err := f.Formatter.Format(entry)
	priority := map[logrus.Level]int{logrus.ErrorLevel: 3, logrus.WarnLevel: 4, logrus.InfoLevel: 6, logrus.DebugLevel: 7}[entry.Level]
	return fmt.Appendf(nil, "<%d>%s", priority, line), err
}
