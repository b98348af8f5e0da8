package publish

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// HugoAddresses asks Hugo for the addresses of all pages: Dir is the site's directory,
// Args the program if it is not the hugo in PATH, and what it always needs.
func HugoAddresses(c Command) func(context.Context) (Addresses, error) {
	if len(c.Args) == 0 {
		c.Args = []string{"hugo"}
	}
	c.Args = append(slices.Clone(c.Args), "list", "all")
	return func(ctx context.Context) (Addresses, error) {
		var out bytes.Buffer
		var said tail
		if err := c.run(ctx, &out, &said); err != nil {
			return Addresses{}, &BuildError{Err: err, Output: said.String()}
		}
		all, err := listed(out.Bytes())
		if err != nil {
			return Addresses{}, fmt.Errorf("hugo list all: %w", err)
		}
		return Addresses{Files: all}, nil
	}
}

// listed reads the table that hugo list all prints, warnings before it aside.
func listed(out []byte) (map[string]string, error) {
	for len(out) > 0 && !bytes.HasPrefix(out, []byte("path,")) {
		_, out, _ = bytes.Cut(out, []byte("\n"))
	}
	r := csv.NewReader(bytes.NewReader(out))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	if len(rows) == 0 {
		return all, nil
	}
	file, address := slices.Index(rows[0], "path"), slices.Index(rows[0], "permalink")
	if address < 0 {
		return nil, errors.New("its table has no permalinks")
	}
	for _, row := range rows[1:] {
		if len(row) > max(file, address) {
			all[strings.ReplaceAll(row[file], `\`, "/")] = row[address]
		}
	}
	return all, nil
}
