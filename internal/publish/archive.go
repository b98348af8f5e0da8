package publish

import (
	"path"
	"slices"
	"strconv"
	"time"
)

// The archive is a page for every year and every month that has posts. A month of many
// posts has pages besides, of which a new post changes the newest alone.

// monthView is a month, a page of one, or a year as a link.
type monthView struct {
	Time  time.Time // its first day
	URL   string
	Page  int // of the month, from 1; 0 is the month
	Posts int
}

func (p *press) months(months []Month) []monthView {
	var all []monthView
	for _, m := range months {
		t := time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, time.UTC)
		all = append(all, monthView{Time: t, URL: p.site.at(t.Format("2006/01/")), Posts: m.Posts})
	}
	return all
}

// archive writes the pages of the post's month and year, or removes them when
// they have no posts left.
func (p *press) archive(c Change) error {
	at := c.Post.Published
	if at.IsZero() {
		return nil // a post without a date is in no month
	}
	months := p.months(c.Months)
	if err := p.month(c, months); err != nil {
		return err
	}
	year := page{Title: at.Format("2006"), URL: p.site.at(at.Format("2006/")), Month: at}
	for _, m := range months {
		if m.Time.Year() == at.Year() {
			year.Months = append(year.Months, m)
		}
	}
	return p.list(at.Format("2006/index.html"), "year", year, len(year.Months) > 0)
}

// month writes the page of a month and those before it, as far down as they are not what
// they have to be.
func (p *press) month(c Change, months []monthView) error {
	at := c.Post.Published
	dir, self := at.Format("2006/01/"), monthView{Time: at, URL: p.site.at(at.Format("2006/01/"))}
	view := page{Title: p.say.Month(at), URL: self.URL, Month: at, Posts: p.views(c.Month)}
	var before *monthView // the month
	if i := slices.IndexFunc(months, func(m monthView) bool { return m.URL == self.URL }); i >= 0 {
		if i > 0 {
			view.Newer = &months[i-1]
		}
		if i+1 < len(months) {
			before = &months[i+1]
		}
	}
	// at is the link to a page: 0 is the month before, one more than there are is the month.
	link := func(n int) *monthView {
		switch n {
		case 0:
			return before
		case c.Earlier.Pages + 1:
			return &self
		}
		return &monthView{Time: at, URL: self.URL + "page/" + strconv.Itoa(n) + "/", Page: n}
	}
	view.Older = link(c.Earlier.Pages)
	if err := p.list(dir+"index.html", "month", view, len(view.Posts) > 0); err != nil {
		return err
	}
	if err := p.shorten(dir, c.Earlier.Pages); err != nil || c.Earlier.Pages == 0 {
		return err
	}
	var failed error
	err := c.Earlier.Each(func(n int, posts []Post) bool {
		here := link(n)
		view := page{Title: p.say.Month(at) + " · " + strconv.Itoa(n), URL: here.URL, Month: at, Posts: p.views(posts), Newer: link(n + 1), Older: link(n - 1)}
		name := dir + "page/" + strconv.Itoa(n) + "/index.html"
		var data []byte
		if data, failed = p.fill("month", view); failed != nil {
			return false
		}
		if p.dir.has(name, data) {
			return c.Earlier.Thorough
		}
		failed = unlessForeign(p.dir.write(name, data, derived))
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// shorten removes the pages of a month that it has no longer posts for.
func (p *press) shorten(dir string, pages int) error {
	for n := pages + 1; ; n++ {
		name := path.Join(dir, "page", strconv.Itoa(n), "index.html")
		if _, err := p.dir.root.Lstat(name); err != nil {
			return ignoreGone(err)
		}
		if err := p.dir.remove(name); err != nil {
			return err
		}
	}
}

// list writes an archive page that has something in it and removes one that has not.
func (p *press) list(name, tmpl string, view page, full bool) error {
	if !full {
		return p.dir.remove(name)
	}
	return unlessForeign(p.write(name, tmpl, view, derived))
}
