package snapfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	suffix    = ".snap"
	kept      = 2       // newest files that stay
	syncEvery = 8 << 20 // a big file reaches the disk in steps, so that others' fsyncs do not wait for all of it
)

// Write makes the newest file of a name in dir. fill writes its sections; then
// ready is called with the largest place that one of them named, and must
// return only when the log is durable up to it; then the file takes its place.
// Until that moment, and after any error, the older files are untouched.
func Write(dir, name string, fill func(*Writer) error, ready func(maxSeq uint64) error) (err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("cannot make the snapshot's folder: %w", err)
	}
	nums, err := list(dir, name)
	if err != nil {
		return fmt.Errorf("cannot list snapshots: %w", err)
	}
	num := uint64(1)
	if len(nums) > 0 {
		num = nums[0] + 1
	}
	path := pathOf(dir, name, num)
	tmp := filepath.Join(dir, name+".tmp")
	defer func() {
		if err != nil {
			os.Remove(tmp)
			err = fmt.Errorf("cannot write snapshot %s: %w", path, err)
		}
	}()
	if err := writeFile(tmp, fill, ready); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	for i, old := range nums {
		if i >= kept-1 {
			os.Remove(pathOf(dir, name, old)) // one too many does no harm and goes next time
		}
	}
	return nil
}

// writeFile writes path and syncs it.
func writeFile(path string, fill func(*Writer) error, ready func(uint64) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer f.Close()
	w := NewWriter(f)
	w.sync = f.Sync
	if err := fill(w); err != nil {
		return err
	}
	if err := w.End(); err != nil {
		return err
	}
	if ready != nil {
		if err := ready(w.MaxSeq()); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// File is a snapshot on disk.
type File struct {
	Path   string
	Bytes  int64
	MaxSeq uint64  // largest place that a section names
	Torn   []error // newer files that were passed over, and why
}

// Newest finds the newest whole file of a name in dir. It reads all of it once
// to know that it is whole. ErrNone, with what was wrong with the files there,
// when there is no whole one.
func Newest(dir, name string) (*File, error) {
	files, err := List(dir, name)
	if err != nil {
		return nil, err
	}
	var torn []error
	for _, f := range files {
		err := f.Sections(func(_ string, seq uint64, _ []byte) error {
			f.MaxSeq = max(f.MaxSeq, seq)
			return nil
		})
		if err == nil {
			f.Torn = torn
			return f, nil
		}
		torn = append(torn, err)
	}
	return nil, errors.Join(append([]error{fmt.Errorf("%w of %s in %s", ErrNone, name, dir)}, torn...)...)
}

// List returns the files of a name in dir, newest first. Only reading one tells
// whether it is whole.
func List(dir, name string) ([]*File, error) {
	nums, err := list(dir, name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot list snapshots: %w", err)
	}
	var files []*File
	for _, num := range nums {
		f := &File{Path: pathOf(dir, name, num)}
		if st, err := os.Stat(f.Path); err == nil {
			f.Bytes = st.Size()
		}
		files = append(files, f)
	}
	return files, nil
}

// Sections calls each for every section, in the order they were written. body
// is valid during the call only.
func (f *File) Sections(each func(name string, seq uint64, body []byte) error) error {
	r, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := Read(r, each); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

func pathOf(dir, name string, num uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%012d%s", name, num, suffix))
}

// list returns the numbers of the files of a name, newest first.
func list(dir, name string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	var nums []uint64
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), name+".")
		digits, ok2 := strings.CutSuffix(rest, suffix)
		if n, err := strconv.ParseUint(digits, 10, 64); ok && ok2 && err == nil && len(digits) == 12 {
			nums = append(nums, n)
		}
	}
	slices.Sort(nums)
	slices.Reverse(nums)
	return nums, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
