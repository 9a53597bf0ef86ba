// Package bench measures git-push-mirror beside its peers: git itself, and what other programs that
// mirror have git do. Each is run as a whole process, in turn with the other, on repositories as
// servers have them. `make bench` prints one table, and a line for each row that benchstat reads;
// no figure fails it.
package bench

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"
)

var quick = flag.Bool("quick", false, "small sizes and few rounds")

// program is the git-push-mirror that is measured, built as make build does. Beside it lies what
// once has made.
var program string

func build(b *testing.B) {
	program = filepath.Join(b.TempDir(), "git-push-mirror")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", program, "git-push-mirror/cmd/git-push-mirror")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
}

// A contest measures ours beside a peer.
type contest struct {
	name   string
	beside string
	// atMost is the ratio to reach, with small for 100 refs; 0: none, the row only shows what it
	// costs.
	atMost, small float64
	unit          string // of the sizes: what grows
	sizes, quick  []int
	rounds        int // at most; 0: maxRounds
	stage         func(w *world, n int) stage
	config        string
}

// A stage is what a contest is held on. All that is not ours or peer's is not measured.
type stage struct {
	reset      func() // before each of both; nil: nothing has changed
	ours, peer func()
	check      func() // after ours
}

// An amount measures ours alone.
type amount struct {
	name, beside string
	atMost       float64
	unit         string
	size, quick  int
	config       string
	measure      func(w *world, n int) float64
}

// A row is a line of the table.
type row struct {
	name, beside, size, value, spread, atMost, growth string
	rounds                                            int
}

// A row has minRounds, where there is time, and short rounds are held for a while: a machine is
// noisy for seconds on end.
const (
	minRounds, maxRounds = 7, 60
	aWhile               = 20 * time.Second
	budget               = 60 * time.Second // for the rounds of a row; there is always one
)

// enough reports whether a row has had its rounds.
func enough(rounds int, took time.Duration) bool {
	return rounds > 0 && took >= budget || rounds >= minRounds && took >= aWhile
}

func BenchmarkSpeed(b *testing.B) {
	build(b)
	var table []row
	for _, c := range contests {
		sizes := c.sizes
		if *quick {
			sizes = c.quick
		}
		var first time.Duration // per unit, at the smallest size
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/beside=%s/%s=%d", c.name, c.beside, c.unit, n), func(b *testing.B) {
				ours, r := c.measure(b, n)
				if first == 0 {
					first = ours / time.Duration(n)
				}
				r.growth = fmt.Sprintf("%.2f", float64(ours)/float64(n)/float64(first))
				table = append(table, r)
			})
		}
	}
	for _, a := range amounts {
		n := a.size
		if *quick {
			n = a.quick
		}
		b.Run(fmt.Sprintf("%s/n=%d", a.name, n), func(b *testing.B) {
			value := a.measure(newWorld(b, a.config), n)
			b.ReportMetric(value, strings.ReplaceAll(a.unit, " ", "-"))
			b.ReportMetric(0, "ns/op")
			table = append(table, row{
				name: a.name, beside: a.beside, size: fmt.Sprint(n), value: fmt.Sprintf("%.3g %s", value, a.unit), spread: "-",
				atMost: limit(a.atMost), growth: "-", rounds: 1,
			})
		})
	}
	show(table)
}

// measure holds the contest, ours and the peer taking turns in beginning.
func (c contest) measure(b *testing.B, n int) (median time.Duration, r row) {
	s := c.stage(newWorld(b, c.config), n)
	var ours, peer, ratios []float64
	rounds := cmp.Or(c.rounds, maxRounds)
	if *quick {
		rounds = max(3, rounds/20)
	}
	for start := time.Now(); len(ratios) < rounds && !enough(len(ratios), time.Since(start)); {
		turns := []func(){
			func() { ours = append(ours, s.time(s.ours)); s.verify() },
			func() { peer = append(peer, s.time(s.peer)) },
		}
		if len(ratios)%2 == 1 {
			slices.Reverse(turns)
		}
		turns[0]()
		turns[1]()
		last := len(ours) - 1
		ratios = append(ratios, ours[last]/peer[last])
	}
	slices.Sort(ratios)
	us, them := middle(ours), middle(peer)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(us/1e6, "ours-ms")
	b.ReportMetric(them/1e6, "peer-ms")
	b.ReportMetric(us/them, "ratio")
	atMost := c.atMost
	if n == 100 && c.small > 0 {
		atMost = c.small
	}
	return time.Duration(us), row{
		name: c.name, beside: c.beside, size: fmt.Sprintf("%d %s", n, c.unit), value: fmt.Sprintf("%.2f", us/them),
		spread: fmt.Sprintf("%.2f–%.2f", ratios[0], ratios[len(ratios)-1]), atMost: limit(atMost), rounds: len(ratios),
	}
}

func (s stage) time(run func()) float64 {
	if s.reset != nil {
		s.reset()
	}
	syscall.Sync() // or who syncs a file of its own would wait for all that reset wrote
	start := time.Now()
	run()
	return float64(time.Since(start))
}

func (s stage) verify() {
	if s.check != nil {
		s.check()
	}
}

// middle is the median.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func limit(atMost float64) string {
	if atMost == 0 {
		return "-"
	}
	return fmt.Sprintf("%g", atMost)
}

// show prints the table. What a unit costs at a size is told as a multiple of what it costs at the
// first one.
func show(table []row) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "\ncase\tbeside\tsize\tmedian ratio\tmin–max\tat most\trounds\tcost per unit")
	for _, r := range table {
		_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.name, r.beside, r.size, r.value, r.spread, r.atMost, r.rounds, r.growth)
	}
	_ = out.Flush()
	fmt.Println()
}
