package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dropblock-go/dropblock/internal/atomicfile"
)

//go:embed document.md
var documentHead string

// render draws the pictures of all reports in a folder, beside them, and writes
// their tables to a document.
func render(args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: bench render FOLDER DOCUMENT.md")
	}
	folder, document := args[0], args[1]
	from, err := filepath.Rel(filepath.Dir(document), folder)
	if err != nil {
		return err
	}
	text, pictures, err := documentOf(folder, filepath.ToSlash(from))
	if err != nil {
		return err
	}
	files := map[string][]byte{document: text}
	for name, p := range pictures {
		if files[filepath.Join(folder, name)], err = p.png(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		write := func(w io.Writer) error { _, err := w.Write(files[name]); return err }
		if err := atomicfile.Write(name, write); err != nil {
			return err
		}
		fmt.Fprintln(stdout, name)
	}
	return nil
}

// documentOf returns the tables of the reports in a folder, the newest first, each
// with the notes in NAME-notes.md beside it, and the pictures by the names that the
// document has for them in link.
func documentOf(folder, link string) ([]byte, map[string]picture, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%s: no *.json, want reports of bench", folder)
	}
	reports := map[string]*report{}
	for _, file := range files {
		if reports[file], err = readReport(file); err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(files, func(a, b string) int { return reports[b].Date.Compare(reports[a].Date) })

	b := bytes.NewBufferString(documentHead)
	all := map[string]picture{}
	for _, file := range files {
		r, stem := reports[file], strings.TrimSuffix(file, ".json")
		fmt.Fprintf(b, "\n## %s, %s\n\n", r.Machine.CPU, r.Date.Format(time.DateOnly))
		b.WriteString(r.markdown())
		notes, err := os.ReadFile(stem + "-notes.md")
		if err == nil {
			fmt.Fprintf(b, "\n### Notes\n\n%s", notes)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		pictures, err := r.pictures()
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, p := range pictures {
			name := filepath.Base(stem) + "-" + p.name + ".png"
			all[name] = p
			fmt.Fprintf(b, "\n![%s](%s)\n", p.title, path.Join(link, name))
		}
	}
	return b.Bytes(), all, nil
}
