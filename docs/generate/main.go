// Generate writes the two reference documents that follow from the code:
// docs/specs.md, what the specifications ask and where it is met, and
// docs/config.md, the settings.
//
//	go generate ./...      # or: go run ./docs/generate
//
// The statements of the specifications are in requirements.txt, in our own words.
// They are joined with the comments of the code and of the tests that cite them
// (citations.go); the settings are read from cmd/tertulia/config.go. A test fails
// while what is on disk differs from what this program would write.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:generate go run .

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	documents, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range documents {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// findRoot is the directory of go.mod, here or above: go generate starts us in our
// own directory, go run where it was called.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = up
	}
}

// generate returns the text of each document by its path below root.
func generate(root string) (map[string]string, error) {
	table, err := readRequirements(filepath.Join(root, "docs", "generate", "requirements.txt"))
	if err != nil {
		return nil, err
	}
	found, err := readTree(root)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(filepath.Join(root, "cmd", "tertulia", "config.go"))
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/specs.md":  table.document(found),
		"docs/config.md": settings.document(),
	}, nil
}
