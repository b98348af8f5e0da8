package exchange

import (
	"bufio"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"unicode/utf8"

	"tertulia/internal/site"
)

// csv writes a table with a row to each response. What a spreadsheet would take for a formula
// begins with an apostrophe: strangers have written it.
func (o Out) csv(ctx context.Context, w *bufio.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if o.Excel {
		out.Comma = ';'
		_, _ = w.WriteString("\ufeff") // Flush says what cannot be written
	}
	head := []string{"wm-id", "type", "rsvp", "page", "fragment", "author", "author-url", "url", "source", "published", "received", "name", "text"}
	if err := out.Write(head); err != nil {
		return err
	}
	err := o.each(ctx, func(r site.Response) error {
		e := r.JF2()
		published, text := "", ""
		if e.Published != nil {
			published = *e.Published
		}
		if e.Content != nil {
			text = e.Content.Text
		}
		row := []string{
			strconv.FormatUint(e.WMID, 10), r.Type, e.RSVP, e.WMTarget, e.WMFragment, e.Author.Name, e.Author.URL,
			e.URL, e.WMSource, published, e.WMReceived, e.Name, text,
		}
		for i := range row {
			row[i] = cell(row[i])
		}
		return out.Write(row)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// cell is a text that no spreadsheet computes anything of. They look past white space, take a
// pasted line for a cell of its own, and know the wide forms of signs.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		begin := strings.TrimLeft(line, " \t\u00a0\ufeff\u3000\"'")
		if first, _ := utf8.DecodeRuneInString(begin); begin != "" && strings.ContainsRune("=+-@＝＋－＠", first) || strings.HasPrefix(line, "\t") {
			lines[i] = "'" + line
		}
	}
	return strings.Join(lines, "\n")
}
