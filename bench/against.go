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

const (
	// slowerFrom is what a median of ratios is marked above. A build against itself was
	// within 1 % in nearly all rows, two links of one source within 3 %: hence several.
	slowerFrom = 1.02
	rule       = "a median above 1.02 whose lower quartile is above 1.00"
	// exchanges is how often the builds take turns in a round.
	exchanges = 4
	// againstPasses go through all settings, each with new processes.
	againstPasses = 9
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
func (b *build) open(s setting, workers []int) (tasks []task, digest []string, err error) {
	list := strings.ReplaceAll(strings.Trim(fmt.Sprint(workers), "[]"), " ", ",")
	names, err := b.ask("open %v %s", s, list)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		t, err := parseTask(name)
		if err != nil {
			return nil, nil, fmt.Errorf("open %v: %w", s, err)
		}
		tasks = append(tasks, t)
	}
	digest, err = b.ask("digest")
	return tasks, digest, err
}

// A row is a task on a setting, in rounds that measured both builds one right after
// the other.
type row struct {
	task
	setting setting
	runs    int       // of a batch, in both builds
	ns      []float64 // an element, of ours
	ratios  []float64 // ours to theirs
}

func (r *row) slower() bool {
	q := quartilesOf(r.ratios)
	return q.median > slowerFrom && q.q1 > 1
}

// A comparison is of two revisions, ours and theirs.
type comparison struct {
	*options
	builds [2]*build
	names  [2][]string
	rows   []*row
	notes  []string // what could not be compared, or differs
}

// compare measures this revision against another one. Both run in processes of their
// own, started alike; while one measures, the other and this process wait for input.
// Each pass has new processes, of the next builds where there are several.
func (opt *options) compare(stdout, stderr io.Writer) error {
	c := &comparison{options: opt}
	passes := min(againstPasses, opt.rounds)
	done := newProgress(stderr, len(opt.settings)*passes)
	for pass := range passes {
		if err := c.pass(pass, opt.rounds*(pass+1)/passes-opt.rounds*pass/passes, done); err != nil {
			return err
		}
	}
	if len(c.rows) == 0 {
		return fmt.Errorf("nothing to compare: the builds have no setting, op, kernel set and number of workers in common:\n\t%s", strings.Join(c.notes, "\n\t"))
	}
	if _, err := io.WriteString(stdout, c.markdown(passes)); err != nil {
		return err
	}
	var slower []string
	for _, r := range c.rows {
		if r.slower() {
			q := quartilesOf(r.ratios)
			slower = append(slower, fmt.Sprintf("\n\t%v: %v: %.3f (%.3f–%.3f)", r.setting, r.task, q.median, q.q1, q.q3))
		}
	}
	if !opt.check || slower == nil {
		return nil
	}
	return fmt.Errorf("%d of %d rows are slower, which is %s:%s", len(slower), len(c.rows), rule, strings.Join(slower, ""))
}

func (c *comparison) pass(pass, rounds int, done func(setting)) (err error) {
	for i, programs := range [][]string{c.ours, c.against} {
		if c.builds[i], err = startBuild(programs[pass%len(programs)], answerTimeout); err != nil {
			return err
		}
		defer c.builds[i].stop()
		if name := c.builds[i].name; !slices.Contains(c.names[i], name) {
			c.names[i] = append(c.names[i], name)
		}
	}
	for _, s := range c.settings {
		same, err := c.open(s, pass == 0)
		if err != nil {
			return err
		}
		if pass == 0 {
			for _, t := range same {
				c.rows = append(c.rows, &row{setting: s, task: t})
			}
		}
		rows := slices.DeleteFunc(slices.Clone(c.rows), func(r *row) bool { return r.setting != s })
		for range rounds {
			for _, i := range rand.Perm(len(rows)) {
				if err := c.measure(rows[i]); err != nil {
					return fmt.Errorf("%v: %w", s, err)
				}
			}
		}
		done(s)
	}
	return nil
}

// open opens a setting in both builds, and returns what both can measure of what is
// asked for. A setting that one of them refuses has none.
func (c *comparison) open(s setting, first bool) ([]task, error) {
	note := func(format string, args ...any) {
		if first {
			c.notes = append(c.notes, fmt.Sprintf("%v: "+format, append([]any{s}, args...)...))
		}
	}
	var tasks [2][]task
	var digests [2][]string
	for i, b := range c.builds {
		var err error
		tasks[i], digests[i], err = b.open(s, c.workers)
		if refused := (*refusal)(nil); errors.As(err, &refused) {
			note("%s: %s", b.name, refused.text)
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
		tasks[i] = slices.DeleteFunc(tasks[i], func(t task) bool {
			return !slices.Contains(c.ops, t.Op) || !slices.ContainsFunc(c.kernels, func(k dropblock.KernelSet) bool { return k.String() == t.Impl })
		})
	}
	if !slices.Equal(digests[0], digests[1]) {
		note("masks or outputs differ")
	}
	var same []task
	for i, b := range c.builds {
		var only []string
		for _, t := range tasks[i] {
			if !slices.Contains(tasks[1-i], t) {
				only = append(only, t.String())
			} else if i == 0 {
				same = append(same, t)
			}
		}
		if only != nil {
			note("only %s has %s", b.name, strings.Join(only, ", "))
		}
	}
	slices.SortStableFunc(same, func(a, b task) int {
		return cmp.Compare(slices.Index(c.ops, a.Op), slices.Index(c.ops, b.Op))
	})
	return same, nil
}

// measure adds a round to a row: both builds, one right after the other.
func (c *comparison) measure(r *row) error {
	if r.runs == 0 {
		for _, b := range c.builds {
			n, err := b.numbers(1, "runs %v", r.task)
			if err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
			r.runs = max(r.runs, int(n[0]))
		}
	}
	var times [2][2]float64 // CPU and wall, the least
	for exchange := range exchanges {
		first := rand.IntN(2)
		for _, i := range []int{first, 1 - first} {
			t, err := c.builds[i].numbers(2, "time %v %d %v", r.task, r.runs, c.slice/exchanges)
			if err != nil {
				return fmt.Errorf("%s: %w", c.builds[i].name, err)
			}
			if exchange == 0 {
				times[i] = [2]float64(t)
			}
			times[i] = [2]float64{min(times[i][0], t[0]), min(times[i][1], t[1])}
		}
	}
	clock := 1
	if r.Threads == 1 && times[0][0] > 0 && times[1][0] > 0 {
		clock = 0
	}
	ours, theirs := times[0][clock], times[1][clock]
	r.ns = append(r.ns, ours/float64(r.setting.shape.Len()))
	r.ratios = append(r.ratios, ours/theirs)
	return nil
}

func (c *comparison) markdown(passes int) string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "Ours: %s. Theirs: %s. %s, %s.\n", several(c.names[0]), several(c.names[1]), thisHost(), time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(b, "Ours ÷ theirs: medians and quartiles of %d rounds of %v in %s, each with processes of its own; by CPU\ntime for one worker where the system tells it, otherwise by the clock. Bold is above %v; slower means %s.\n\n",
		c.rounds, c.slice, inPasses(passes), slowerFrom, rule)
	var table [][]string
	logs := map[string][]float64{}
	for _, r := range c.rows {
		q := quartilesOf(r.ratios)
		median, mark := fmt.Sprintf("%.3f", q.median), ""
		if q.median > slowerFrom {
			median = "**" + median + "**"
		}
		if r.slower() {
			mark = "slower"
		}
		table = append(table, []string{r.setting.String(), title(r.Op), r.Impl, strconv.Itoa(r.Threads),
			fmt.Sprintf("%.4f", quartilesOf(r.ns).median), median, fmt.Sprintf("%.3f–%.3f", q.q1, q.q3), mark})
		for _, group := range []string{r.Op, "all"} {
			logs[group] = append(logs[group], math.Log(q.median))
		}
	}
	writeTable(b, 3, []string{"shape, block", "op", "kernels", "workers", "our ns per element", "ours ÷ theirs", "quartiles", ""}, table)

	b.WriteString("\nGeometric means of the medians, and the medians' range.\n\n")
	table = nil
	for _, op := range append(slices.Clone(c.ops), "all") {
		if l := logs[op]; l != nil {
			sum := 0.0
			for _, v := range l {
				sum += v
			}
			table = append(table, []string{title(op), strconv.Itoa(len(l)), fmt.Sprintf("%.4f", math.Exp(sum/float64(len(l)))),
				fmt.Sprintf("%.3f–%.3f", math.Exp(slices.Min(l)), math.Exp(slices.Max(l)))})
		}
	}
	writeTable(b, 1, []string{"op", "rows", "mean", "range"}, table)
	writeList(b, "\nNot compared, or different:\n\n", c.notes)
	return b.String()
}

func several(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, "; ")
}
