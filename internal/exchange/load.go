package exchange

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"tertulia/internal/site"
)

// Report is what an import has done, or would do.
type Report struct {
	DryRun  bool         `json:"dry_run,omitempty"`
	New     int          `json:"new"`
	Known   int          `json:"known"`
	Skipped int          `json:"skipped"`
	Pages   []PageReport `json:"pages"` // by address
}

// PageReport is what of it was about one page, or about an address that is no page of the
// site. "" stands for addresses beyond the first ten thousand.
type PageReport struct {
	Page    string         `json:"page"`
	New     int            `json:"new"`
	Known   int            `json:"known"`
	Skipped map[string]int `json:"skipped,omitempty"` // by reason
}

const (
	maxLine      = 2 * maxPart
	batch        = 100 // responses that are taken in with one transaction
	maxReported  = 10_000
	maxTargetLen = 200 // bytes of an address in a report
)

// Send writes responses as the lines that Load reads. told is called after each with the number
// of those that were sent; it may be nil.
func Send(w io.Writer, all iter.Seq2[site.Foreign, error], told func(n int)) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	n := 0
	for f, err := range all {
		if err == nil {
			err = enc.Encode(f)
		}
		if err != nil {
			_ = out.Flush() // what came before is taken in
			return err
		}
		if n++; told != nil {
			told(n)
		}
	}
	return out.Flush()
}

// Load takes in the responses that Send has written, some at a time. When it ends with an
// error, the report says what was taken in before; the same again goes on from there.
func Load(ctx context.Context, im *site.Importer, r io.Reader) (Report, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	sum := &summary{report: Report{DryRun: im.Dry}, pages: map[string]*PageReport{}}
	var some []site.Foreign
	take := func() error {
		done, err := im.Take(ctx, some)
		for _, one := range done {
			sum.add(one)
		}
		some = some[:0]
		return err
	}
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var f site.Foreign
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return sum.end(), fmt.Errorf("what was handed over is cut off: %w", err)
		}
		if some = append(some, f); len(some) < batch {
			continue
		}
		if err := take(); err != nil {
			return sum.end(), err
		}
	}
	if err := cmp.Or(lines.Err(), take()); err != nil {
		return sum.end(), err
	}
	return sum.end(), nil
}

// summary adds up what was done.
type summary struct {
	report Report
	pages  map[string]*PageReport
}

func (s *summary) add(one site.Imported) {
	name := one.Page
	if len(name) > maxTargetLen {
		name = strings.ToValidUTF8(name[:maxTargetLen], "") + "…"
	}
	page := s.pages[name]
	if page == nil && len(s.pages) >= maxReported {
		name = ""
		page = s.pages[name]
	}
	if page == nil {
		page = &PageReport{Page: name}
		s.pages[name] = page
	}
	switch one.Done {
	case site.DoneNew:
		s.report.New++
		page.New++
	case site.DoneKnown:
		s.report.Known++
		page.Known++
	default:
		s.report.Skipped++
		if page.Skipped == nil {
			page.Skipped = map[string]int{}
		}
		page.Skipped[one.Why]++
	}
}

func (s *summary) end() Report {
	s.report.Pages = []PageReport{}
	for _, name := range slices.Sorted(maps.Keys(s.pages)) {
		s.report.Pages = append(s.report.Pages, *s.pages[name])
	}
	return s.report
}

// Move is a part of the web whose pages are on the site now.
type Move struct{ Old, New string }

// ParseMove reads "OLD=NEW", two addresses.
func ParseMove(s string) (Move, error) {
	before, after, ok := strings.Cut(s, "=http")
	if !ok || !strings.Contains(before, "://") {
		return Move{}, fmt.Errorf("%q is not OLD=NEW, two addresses", s)
	}
	return Move{before, "http" + after}, nil
}

// Moved has responses be about where pages are now. Of several moves that fit the one with
// the longest address counts.
func Moved(all iter.Seq2[site.Foreign, error], moves []Move) iter.Seq2[site.Foreign, error] {
	moves = slices.Clone(moves)
	slices.SortStableFunc(moves, func(a, b Move) int { return len(b.Old) - len(a.Old) })
	return func(yield func(site.Foreign, error) bool) {
		for f, err := range all {
			for _, m := range moves {
				rest, ok := strings.CutPrefix(f.Target, m.Old)
				if ok && (rest == "" || strings.HasSuffix(m.Old, "/") || strings.ContainsAny(rest[:1], "/?#")) {
					f.Target = m.New + rest
					break
				}
			}
			if !yield(f, err) {
				return
			}
		}
	}
}
