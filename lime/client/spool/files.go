package spool

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// file is one of a spool's, which are numbered.
type file struct {
	*os.File
	ordinal uint64
	size    int64
	live    int   // messages in it that are kept
	kept    int64 // bytes of their records
	foreign bool  // it does not begin as ours do
}

const suffix = ".spool"

func (s *Spool) name(ordinal uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%016x%s", ordinal, suffix))
}

// addFile has what comes written to another file. What is in the one before is synced, so that who
// syncs need look at the last alone.
func (s *Spool) addFile() error {
	ordinal := uint64(1)
	if n := len(s.files); n > 0 {
		ordinal = s.files[n-1].ordinal + 1
		if s.cfg.SyncEach || s.cfg.SyncEvery > 0 {
			if err := s.files[n-1].Sync(); err != nil {
				return err
			}
		}
	}
	f, err := os.OpenFile(s.name(ordinal), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(magic); err != nil {
		f.Close()
		_ = os.Remove(f.Name()) // it would be no more than empty
		return err
	}
	s.files = append(s.files, &file{File: f, ordinal: ordinal, size: int64(len(magic))})
	s.broken = false
	return s.syncDir()
}

// syncDir has the disk know which files there are. Not every system can.
func (s *Spool) syncDir() error {
	if !s.cfg.SyncEach && s.cfg.SyncEvery < 0 {
		return nil
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // where a directory cannot be synced it need not be
	return nil
}

// writeLocked writes a record behind the others, and returns where. What could not be written as
// a whole is taken back, or is the last in its file.
func (s *Spool) writeLocked(record []byte) (at int64, err error) {
	last := s.files[len(s.files)-1]
	if s.broken || last.size >= s.cfg.fileSize() {
		if err := s.addFile(); err != nil {
			return 0, err
		}
		last = s.files[len(s.files)-1]
	}
	at = last.size
	if _, err := last.WriteAt(record, at); err != nil {
		s.broken = last.Truncate(at) != nil
		return 0, err
	}
	last.size += int64(len(record))
	s.writes++
	return at, nil
}

func (s *Spool) diskLocked() (n int64) {
	for _, f := range s.files {
		n += f.size
	}
	return n
}

// tidyLocked deletes the oldest files in which nothing is kept, and moves what is kept in the
// oldest when the files take much more than that.
func (s *Spool) tidyLocked() {
	if s.tidyErr = s.deleteLocked(); s.tidyErr != nil {
		return
	}
	var kept int64
	for _, f := range s.files {
		kept += f.kept
	}
	if len(s.files) < 2 || s.diskLocked() <= 2*kept+s.cfg.fileSize() {
		return
	}
	s.tidyErr = s.moveLocked()
}

// deleteLocked: a word that a message is removed stands in the message's file or in a later one,
// so that it goes with or behind what it is about.
func (s *Spool) deleteLocked() error {
	for len(s.files) > 1 && s.files[0].live == 0 {
		oldest := s.files[0]
		oldest.Close()
		s.files[0], s.files = nil, s.files[1:]
		if err := os.Remove(oldest.Name()); err != nil {
			return err
		}
	}
	return nil
}

// moveLocked writes what is kept in the oldest file once more, with the numbers that it has, and
// deletes the file when the disk has that.
func (s *Spool) moveLocked() error {
	oldest := s.files[0]
	for i := range s.entries {
		e := &s.entries[i]
		if e.file != oldest {
			continue
		}
		b := make([]byte, e.size)
		if _, err := oldest.ReadAt(b, e.at); err != nil {
			return err
		}
		if _, _, ok := readRecord(b); !ok {
			s.stats.Damaged++
			s.countLocked(*e, -1)
			e.file = nil
			continue
		}
		at, err := s.writeLocked(b)
		if err != nil {
			return err
		}
		s.countLocked(*e, -1)
		e.file, e.at = s.files[len(s.files)-1], at
		s.countLocked(*e, 1)
	}
	if s.cfg.SyncEach || s.cfg.SyncEvery > 0 {
		if err := s.files[len(s.files)-1].Sync(); err != nil {
			return err
		}
	}
	return s.deleteLocked()
}

// load reads what is there.
func (s *Spool) load() error {
	all, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	kept := map[uint64]entry{}
	var order []uint64
	for _, one := range all {
		text, ours := strings.CutSuffix(one.Name(), suffix)
		ordinal, err := strconv.ParseUint(text, 16, 64)
		if !ours || err != nil {
			continue
		}
		order = append(order, ordinal)
	}
	slices.Sort(order)
	for _, ordinal := range order {
		f, err := os.OpenFile(s.name(ordinal), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		one := &file{File: f, ordinal: ordinal}
		s.files = append(s.files, one)
		if err := s.loadFile(one, kept); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	for _, e := range kept {
		s.entries = append(s.entries, e)
	}
	slices.SortFunc(s.entries, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	for _, e := range s.entries {
		s.countLocked(e, 1)
	}
	return nil
}

// loadFile reads a file, and cuts off what follows its last whole record.
func (s *Spool) loadFile(f *file, kept map[uint64]entry) error {
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	f.size = int64(len(b))
	b, ours := bytes.CutPrefix(b, []byte(magic))
	if !ours {
		f.foreign = true
		if len(b) > 0 {
			s.stats.Damaged++ // its first line is not whole, or it is not ours
		}
		return nil
	}
	f.size = int64(len(magic)) // up to the end of the last whole record
	skipped := uint64(0)
	for at := f.size; len(b) > 0; {
		r, size, ok := readRecord(b)
		if size == 0 {
			break
		}
		switch {
		case !ok:
			skipped++
		case r.kind == kindPut:
			_, name := s.cfg.of(string(r.mediaType))
			kept[r.number] = entry{number: r.number, file: f, at: at, size: size, text: len(r.text), mediaType: name}
		default:
			delete(kept, r.number)
		}
		at += int64(size)
		b = b[size:]
		if ok {
			s.last = max(s.last, r.number)
			s.stats.Damaged += skipped
			skipped, f.size = 0, at
		}
	}
	if len(b) == 0 && skipped == 0 {
		return nil
	}
	s.stats.Damaged++
	return f.Truncate(f.size)
}
