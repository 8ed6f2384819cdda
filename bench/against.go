package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock"
)

// smallSettings are those whose cost is the calls', not the memory's.
var smallSettings = []setting{
	{shape: dropblock.NCHW(1, 15, 14, 14), block: 7},
	{shape: dropblock.NCHW(1, 60, 7, 7), block: 7},
	{shape: dropblock.NCHW(1, 60, 7, 7), block: 3},
}

const (
	// slowerFrom is what a median of ratios is marked above. A build against itself was
	// within 1 % in nearly all rows, two links of one source within 3 %: hence several.
	slowerFrom = 1.02
	// exchanges is how often the builds take turns in a round.
	exchanges = 4
	rule      = "a median above 1.02 whose lower quartile is above 1.00"
)

// A build is a serving process.
type build struct {
	*process
	name string
}

func startBuild(program string, timeout time.Duration) (*build, error) {
	p, greeting, err := startProcess(exec.Command(program, "serve"), timeout)
	if err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(string(greeting), protocol+" ")
	if !ok {
		p.stop()
		return nil, fmt.Errorf("%s: greets with %q, want %q", program, greeting, protocol)
	}
	return &build{p, name}, nil
}

// open lays out a setting and returns what the build can measure of it, and a
// digest of what it makes.
func (b *build) open(s setting, workers []int) (tasks []task, digest string, err error) {
	list := strings.ReplaceAll(strings.Trim(fmt.Sprint(workers), "[]"), " ", ",")
	names, err := b.ask("open %v %s", s, list)
	if err != nil {
		return nil, "", err
	}
	for _, name := range names {
		t, err := parseTask(name)
		if err != nil {
			return nil, "", fmt.Errorf("open %v: %w", s, err)
		}
		tasks = append(tasks, t)
	}
	words, err := b.ask("digest")
	return tasks, strings.Join(words, " "), err
}

// numbers asks for positive numbers.
func (b *build) numbers(n int, format string, args ...any) ([]float64, error) {
	words, err := b.ask(format, args...)
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, word := range words {
		if v, err := strconv.ParseFloat(word, 64); err == nil && v >= 0 && !math.IsInf(v, 0) {
			all = append(all, v)
		}
	}
	if len(all) != n || len(words) != n || all[n-1] == 0 {
		return nil, fmt.Errorf("%s: the answer is %q, want %d numbers", fmt.Sprintf(format, args...), words, n)
	}
	return all, nil
}

// A row is a task on a setting, in rounds that measured both builds one right after
// the other.
type row struct {
	setting setting
	task    task
	runs    int       // of a batch, in both builds
	ns      []float64 // an element, of ours
	ratios  []float64 // ours to theirs
}

func (r *row) slower() bool {
	q := quartilesOf(r.ratios)
	return q.Median > slowerFrom && q.Q1 > 1
}

// A comparison is of two revisions, ours and theirs.
type comparison struct {
	builds [2]*build
	names  [2][]string
	rows   []*row
	notes  []string // what could not be compared, or differs
}

// compare measures this revision against another one. Both run in processes of their
// own, started alike; while one measures, the other and this process wait for input.
// Each pass has new processes, of the next builds where there are several.
func (opt *options) compare(stdout, stderr io.Writer) error {
	c := new(comparison)
	progress := newProgress(stderr, len(opt.settings)*opt.passes)
	for pass := range opt.passes {
		if err := c.pass(opt, pass, progress); err != nil {
			return err
		}
	}
	if len(c.rows) == 0 {
		return fmt.Errorf("nothing to compare: the builds have no setting, op, kernel set and number of workers in common:\n\t%s", strings.Join(c.notes, "\n\t"))
	}
	if err := c.markdown(stdout, opt); err != nil {
		return err
	}
	return c.check(opt)
}

func (c *comparison) pass(opt *options, pass int, progress *progress) (err error) {
	for i, programs := range [][]string{opt.ours, opt.against} {
		if c.builds[i], err = startBuild(programs[pass%len(programs)], answerTimeout); err != nil {
			return err
		}
		defer c.builds[i].stop()
		if name := c.builds[i].name; !slices.Contains(c.names[i], name) {
			c.names[i] = append(c.names[i], name)
		}
	}
	for _, s := range opt.settings {
		same, err := c.open(opt, s, pass == 0)
		if err != nil {
			return err
		}
		if pass == 0 {
			for _, t := range same {
				c.rows = append(c.rows, &row{setting: s, task: t})
			}
		}
		var rows []*row // of the setting
		for _, r := range c.rows {
			if r.setting == s {
				rows = append(rows, r)
			}
		}
		for range opt.rounds*(pass+1)/opt.passes - opt.rounds*pass/opt.passes {
			for _, i := range rand.Perm(len(rows)) {
				if err := c.measure(rows[i], opt.slice); err != nil {
					return err
				}
			}
		}
		progress.done(s)
	}
	return nil
}

// open opens a setting in both builds, and returns what both can measure of what is
// asked for. A setting that one of them refuses has none.
func (c *comparison) open(opt *options, s setting, note bool) ([]task, error) {
	var tasks [2][]task
	var digests [2]string
	for i, b := range c.builds {
		var err error
		tasks[i], digests[i], err = b.open(s, opt.workers)
		var refused *refusal
		if errors.As(err, &refused) {
			if note {
				c.notes = append(c.notes, fmt.Sprintf("%v: %s: %s", s, b.name, refused.text))
			}
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
		tasks[i] = slices.DeleteFunc(tasks[i], func(t task) bool {
			return !slices.Contains(opt.only, t.op) || !slices.ContainsFunc(opt.kernels, func(k dropblock.KernelSet) bool { return k.String() == t.kernels })
		})
	}
	if note && digests[0] != digests[1] {
		c.notes = append(c.notes, fmt.Sprintf("%v: masks or outputs differ", s))
	}
	for i, b := range c.builds {
		var only []string
		for _, t := range tasks[i] {
			if !slices.Contains(tasks[1-i], t) {
				only = append(only, t.String())
			}
		}
		if note && only != nil {
			c.notes = append(c.notes, fmt.Sprintf("%v: only %s has %s", s, b.name, strings.Join(only, ", ")))
		}
	}
	same := slices.DeleteFunc(tasks[0], func(t task) bool { return !slices.Contains(tasks[1], t) })
	slices.SortStableFunc(same, func(a, b task) int {
		return cmp.Compare(slices.Index(opt.only, a.op), slices.Index(opt.only, b.op))
	})
	return same, nil
}

// measure adds a round to a row: both builds, one right after the other.
func (c *comparison) measure(r *row, slice time.Duration) error {
	if r.runs == 0 {
		for _, b := range c.builds {
			n, err := b.numbers(1, "runs %v", r.task)
			if err != nil {
				return fmt.Errorf("%v: %s: %w", r.setting, b.name, err)
			}
			r.runs = max(r.runs, int(n[0]))
		}
	}
	var times [2][2]float64 // CPU and wall, the least
	for exchange := range exchanges {
		first := rand.IntN(2)
		for _, i := range []int{first, 1 - first} {
			t, err := c.builds[i].numbers(2, "time %v %d %v", r.task, r.runs, slice/exchanges)
			if err != nil {
				return fmt.Errorf("%v: %s: %w", r.setting, c.builds[i].name, err)
			}
			if exchange == 0 {
				times[i] = [2]float64(t)
			}
			times[i] = [2]float64{min(times[i][0], t[0]), min(times[i][1], t[1])}
		}
	}
	clock := 1
	if r.task.workers == 1 && times[0][0] > 0 && times[1][0] > 0 {
		clock = 0
	}
	ours, theirs := times[0][clock], times[1][clock]
	r.ns = append(r.ns, ours/float64(r.setting.shape.Len()))
	r.ratios = append(r.ratios, ours/theirs)
	return nil
}

func (c *comparison) markdown(w io.Writer, opt *options) error {
	b := new(strings.Builder)
	fmt.Fprintf(b, "Ours: %s. Theirs: %s.\n", several(c.names[0]), several(c.names[1]))
	fmt.Fprintf(b, "Ours ÷ theirs: medians and quartiles of %d rounds of %v in %s, each with processes of its own; by CPU\ntime for one worker where the system tells it, otherwise by the clock. Bold is above %v; slower means %s.\n\n",
		opt.rounds, opt.slice, passes(opt.passes), slowerFrom, rule)
	var table [][]string
	logs := map[string][]float64{}
	for _, r := range c.rows {
		q := quartilesOf(r.ratios)
		median, mark := fmt.Sprintf("%.3f", q.Median), ""
		if q.Median > slowerFrom {
			median = "**" + median + "**"
		}
		if r.slower() {
			mark = "slower"
		}
		table = append(table, []string{r.setting.String(), title(r.task.op), r.task.kernels, strconv.Itoa(r.task.workers),
			fmt.Sprintf("%.4f", quartilesOf(r.ns).Median), median, fmt.Sprintf("%.3f–%.3f", q.Q1, q.Q3), mark})
		for _, group := range []string{r.task.op, ""} {
			logs[group] = append(logs[group], math.Log(q.Median))
		}
	}
	writeTable(b, 3, []string{"shape, block", "op", "kernels", "workers", "our ns per element", "ours ÷ theirs", "quartiles", ""}, table)

	b.WriteString("\nGeometric means of the medians, and the medians' range.\n\n")
	table = nil
	for _, op := range append(slices.DeleteFunc(slices.Clone(opt.only), func(op string) bool { return logs[op] == nil }), "") {
		l := logs[op]
		mean := 0.0
		for _, v := range l {
			mean += v / float64(len(l))
		}
		table = append(table, []string{cmp.Or(title(op), "all"), strconv.Itoa(len(l)), fmt.Sprintf("%.4f", math.Exp(mean)),
			fmt.Sprintf("%.3f–%.3f", math.Exp(slices.Min(l)), math.Exp(slices.Max(l)))})
	}
	writeTable(b, 1, []string{"op", "rows", "mean", "range"}, table)
	if len(c.notes) > 0 {
		b.WriteString("\nNot compared, or different:\n\n")
		for _, note := range c.notes {
			fmt.Fprintf(b, "- %s\n", note)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func several(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, "; ")
}

// check returns an error that names what is slower, if that was asked for.
func (c *comparison) check(opt *options) error {
	var slower []string
	for _, r := range c.rows {
		if r.slower() {
			q := quartilesOf(r.ratios)
			slower = append(slower, fmt.Sprintf("\n\t%v: %v: %.3f (%.3f–%.3f)", r.setting, r.task, q.Median, q.Q1, q.Q3))
		}
	}
	if !opt.check || slower == nil {
		return nil
	}
	return fmt.Errorf("%d of %d rows are slower, which is %s:%s", len(slower), len(c.rows), rule, strings.Join(slower, ""))
}
