package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"limegrove/internal/filelock"
)

// ErrFull matches the refusal of a message for which there is no room.
var ErrFull = errors.New("spool full")

// ErrInUse matches the refusal to open a directory that another process, or this one, has open.
var ErrInUse = errors.New("spool in use by another process")

// ErrClosed is what everything returns after Close.
var ErrClosed = errors.New("spool closed")

// Spool keeps messages in a directory: see client.Store. All its methods may be called from any
// goroutine.
type Spool struct {
	// Set by Open and not changed.
	dir     string
	cfg     Config
	lock    *os.File
	stop    chan struct{}
	stopped sync.WaitGroup

	// One at a time has the disk sync.
	syncing sync.Mutex
	synced  uint64 // so many of writes

	// Guarded by mu, which is held over what is written and read: it is the files' order.
	mu      sync.Mutex
	files   []*file // the last one is written
	entries []entry // by number; some of them gone
	live    int     // so many are not
	bytes   int64   // of their texts
	types   map[string]*Limit
	last    uint64 // number that was given
	writes  uint64
	buf     []byte
	stats   Stats
	closed  bool
	tidyErr error
	syncErr error
	broken  bool // the last file has half a record at its end
}

// entry is a message that is kept.
type entry struct {
	number    uint64
	file      *file // nil when it is gone
	at        int64
	size      int    // of the record
	text      int    // bytes
	mediaType string // it is counted under
}

// Stats is how a spool is.
type Stats struct {
	Count   int    // messages kept
	Bytes   int64  // of their texts
	Disk    int64  // bytes of its files
	Damaged uint64 // records that were dropped since Open, by what a crash or the disk left of them
	Refused uint64 // messages for which there was no room, since Open

	// Err is what went wrong last with deleting files that are not needed, or with a sync that
	// nobody waits for; nil once it went well. It is tried again each time.
	Err error
}

// Open opens a directory, which is made if there is none, for one process alone: see ErrInUse. It
// reads all that is there. The spool is to be closed.
func Open(dir string, cfg Config) (*Spool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &Spool{dir: dir, cfg: cfg, types: map[string]*Limit{}, stop: make(chan struct{})}
	if err := s.open(); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	if !cfg.SyncEach && cfg.SyncEvery > 0 {
		s.stopped.Go(s.syncNowAndThen)
	}
	return s, nil
}

func (s *Spool) open() (err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if s.lock, err = filelock.Take(filepath.Join(s.dir, "lock")); errors.Is(err, filelock.ErrTaken) {
		return ErrInUse
	} else if err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	if n := len(s.files); n > 0 && !s.files[n-1].foreign {
		return nil // it goes on where its last whole record ends
	}
	return s.addFile()
}

// Put keeps a message, which it borrows, and returns its number, which is above all before. The
// number is 0 when messages of its media type are not kept. An error that matches ErrFull is for
// want of room.
func (s *Spool) Put(mediaType string, message []byte) (number uint64, err error) {
	s.mu.Lock()
	number, err = s.putLocked(mediaType, message)
	writes := s.writes
	s.mu.Unlock()
	if err == nil && number != 0 && s.cfg.SyncEach {
		if err := s.sync(writes); err != nil {
			return 0, fmt.Errorf("spool: %w", errors.Join(err, s.Remove(number)))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	return number, nil
}

func (s *Spool) putLocked(mediaType string, message []byte) (number uint64, err error) {
	limit, name := s.cfg.of(mediaType)
	switch {
	case s.closed:
		return 0, ErrClosed
	case limit.Count < 0:
		return 0, nil
	}
	if err := s.roomLocked(limit, name, int64(len(message))); err != nil {
		s.stats.Refused++
		return 0, err
	}
	s.last++
	s.buf = appendRecord(s.buf[:0], record{kind: kindPut, number: s.last, mediaType: []byte(mediaType), text: message})
	at, err := s.writeLocked(s.buf)
	if err != nil {
		return 0, err
	}
	s.keepLocked(entry{
		number: s.last, file: s.files[len(s.files)-1], at: at, size: len(s.buf), text: len(message), mediaType: name,
	})
	s.tidyLocked()
	return s.last, nil
}

// roomLocked tells why there is no room.
func (s *Spool) roomLocked(limit Limit, name string, size int64) error {
	used := s.typeLocked(name)
	switch {
	case size > maxBody/2, s.live >= s.cfg.Limit.Count, s.bytes+size > s.cfg.Limit.Bytes:
		return fmt.Errorf("%w: %d messages of %d bytes are kept", ErrFull, s.live, s.bytes)
	case limit.Count > 0 && used.Count >= limit.Count, limit.Bytes > 0 && used.Bytes+size > limit.Bytes:
		return fmt.Errorf("%w: %d messages of %d bytes of its type are kept", ErrFull, used.Count, used.Bytes)
	}
	return nil
}

// typeLocked is what is kept of a type.
func (s *Spool) typeLocked(name string) *Limit {
	if s.types[name] == nil {
		s.types[name] = new(Limit)
	}
	return s.types[name]
}

// keepLocked notes a message with the highest number.
func (s *Spool) keepLocked(e entry) {
	s.entries = append(s.entries, e)
	s.countLocked(e, 1)
}

func (s *Spool) countLocked(e entry, n int) {
	s.live += n
	s.bytes += int64(n * e.text)
	e.file.live += n
	e.file.kept += int64(n * e.size)
	used := s.typeLocked(e.mediaType)
	used.Count += n
	used.Bytes += int64(n * e.text)
}

// find returns the place of the first entry with a number that is not below another.
func (s *Spool) find(number uint64) int {
	i, _ := slices.BinarySearchFunc(s.entries, number, func(e entry, n uint64) int {
		switch {
		case e.number < n:
			return -1
		case e.number > n:
			return 1
		}
		return 0
	})
	return i
}

// Next returns the first message with a number above another, or the number 0 when there is
// none. The message is the caller's. One that the disk has lost since Open is dropped, and counted.
func (s *Spool) Next(after uint64) (number uint64, message []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, nil, ErrClosed
	}
	if after == 1<<64-1 {
		return 0, nil, nil
	}
	for i := s.find(after + 1); i < len(s.entries); i++ {
		e := s.entries[i]
		if e.file == nil {
			continue
		}
		b := make([]byte, e.size)
		if _, err := e.file.ReadAt(b, e.at); err != nil {
			return 0, nil, fmt.Errorf("spool: read message %d: %w", e.number, err)
		}
		r, _, ok := readRecord(b)
		if ok && r.kind == kindPut && r.number == e.number {
			return e.number, r.text, nil
		}
		s.stats.Damaged++
		s.goneLocked(i)
	}
	return 0, nil, nil
}

// Remove keeps a message no longer. It does nothing about one that is not kept.
func (s *Spool) Remove(number uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	i := s.find(number)
	if i == len(s.entries) || s.entries[i].number != number || s.entries[i].file == nil {
		return nil
	}
	s.buf = appendRecord(s.buf[:0], record{kind: kindRemove, number: number})
	if _, err := s.writeLocked(s.buf); err != nil {
		return fmt.Errorf("spool: remove message %d: %w", number, err)
	}
	s.goneLocked(i)
	s.tidyLocked()
	return nil
}

// goneLocked forgets an entry, and the places of those that are gone when they are many.
func (s *Spool) goneLocked(i int) {
	s.countLocked(s.entries[i], -1)
	s.entries[i].file = nil
	if len(s.entries) > 2*s.live+64 {
		s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return e.file == nil })
	}
}

// Stats returns how the spool is.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.stats
	now.Err = errors.Join(s.tidyErr, s.syncErr)
	now.Count, now.Bytes, now.Disk = s.live, s.bytes, s.diskLocked()
	return now
}

// Close has the disk sync what was put, unless SyncEvery is negative, and gives the directory
// back. It may be called twice.
func (s *Spool) Close() error {
	s.mu.Lock()
	closed, writes := s.closed, s.writes
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	close(s.stop)
	s.stopped.Wait()
	var err error
	if s.cfg.SyncEvery > 0 || s.cfg.SyncEach {
		err = s.sync(writes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeFiles()
	if err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

// closeFiles gives all that is open back.
func (s *Spool) closeFiles() {
	for _, f := range s.files {
		f.Close()
	}
	if s.lock != nil {
		s.lock.Close()
	}
}

// syncNowAndThen syncs what has come, until the end.
func (s *Spool) syncNowAndThen() {
	ticks := time.NewTicker(s.cfg.SyncEvery)
	defer ticks.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticks.C:
		}
		s.mu.Lock()
		writes := s.writes
		s.mu.Unlock()
		err := s.sync(writes)
		s.mu.Lock()
		s.syncErr = err
		s.mu.Unlock()
	}
}

// sync waits until the disk has so many writes. Who comes meanwhile has them synced together.
func (s *Spool) sync(writes uint64) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= writes {
		return nil
	}
	s.mu.Lock()
	f, all := s.files[len(s.files)-1], s.writes
	s.mu.Unlock()
	if err := f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // those that are closed were synced
		return err
	}
	s.synced = all
	return nil
}
