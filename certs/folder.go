package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The files of a folder. The keys are for their owner alone, mode 0600.
const (
	FileAuthority   = "authority.pem"   // who signs
	FileKey         = "authority.key"   // with what; only where certificates are signed
	FileAuthorities = "authorities.pem" // all that are believed, of which FileAuthority is one
	FileServer      = "server.pem"
	FileServerKey   = "server.key"
	FileDefault     = "default.pem" // and default*.pem, of other makers; what they are good for, see the package
	FileDefaultKey  = "default.key"
)

// maxFile bounds what is read of one.
const maxFile = 1 << 20

// Folder is an authority in files, read.
type Folder struct {
	Authority   *Authority          // nil without a key: this process signs nothing
	Authorities []*x509.Certificate // that are believed: of clients, and of servers; at least one
	Defaults    []*x509.Certificate // default certificates that are known by themselves, whoever has signed them
}

// ReadFolder reads a folder. A key that others than its owner may read is refused.
func ReadFolder(dir string) (*Folder, error) {
	var f Folder
	own, err := readFile(dir, FileAuthority)
	if err != nil {
		return nil, err
	}
	all, err := ParseCertificates(own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, FileAuthority), err)
	}
	f.Authorities = all[:1]
	key, err := readSecret(dir, FileKey)
	switch {
	case err == nil:
		if f.Authority, err = ReadAuthority(own, key); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, FileKey), err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	text, err := readFile(dir, FileAuthorities)
	if err == nil {
		all, err = ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, FileAuthorities), err)
		}
		f.Authorities = append(f.Authorities, without(all, f.Authorities[0])...)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, c := range f.Authorities {
		if !c.IsCA {
			return nil, fmt.Errorf("%s: the certificate %q is not that of an authority", dir, c.Subject.CommonName)
		}
	}
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), "default*.pem"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := readFile(dir, filepath.Base(name))
		if err != nil {
			return nil, err
		}
		all, err := ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		f.Defaults = append(f.Defaults, all[0])
	}
	return &f, nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

func (f *Folder) authority() *Authority {
	if f == nil {
		return nil
	}
	return f.Authority
}

func (f *Folder) authorities() []byte {
	if f == nil {
		return nil
	}
	return EncodeCertificates(f.Authorities...)
}

func readFile(dir, name string) ([]byte, error) {
	file := filepath.Join(dir, name)
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", file)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxFile)
	}
	return os.ReadFile(file)
}

// readSecret is readFile for a key.
func readSecret(dir, name string) ([]byte, error) {
	file := filepath.Join(dir, name)
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" && !ofGroup(mode) {
		return nil, fmt.Errorf("%s: others may read the key (mode %04o); chmod 600 it", file, mode)
	}
	return readFile(dir, name)
}

// ofGroup allows what Kubernetes gives a pod that runs as another user than root: reading by its group.
func ofGroup(mode fs.FileMode) bool { return mode&0o037 == 0 }

// ReadKeyFile reads a private key of PEM. One that others may read is refused.
func ReadKeyFile(file string) ([]byte, error) {
	return readSecret(filepath.Dir(file), filepath.Base(file))
}

// ErrExists says that a file is there, and was not to be overwritten.
var ErrExists = errors.New("the file is there already")

// Write writes some files of a folder, which it makes: all, or none where one of them is there already (ErrExists) and replace is false. Each takes
// the place of what it replaces in one step. Those that end in .key are for their owner alone.
func Write(dir string, replace bool, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return fmt.Errorf("%q is no name of a file", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if replace {
			break
		}
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), ErrExists)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range names {
		if err := write(dir, name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func write(dir, name string, text []byte) error {
	if old, err := os.ReadFile(filepath.Join(dir, name)); err == nil && bytes.Equal(old, text) {
		return nil
	}
	mode := fs.FileMode(0o644)
	if strings.HasSuffix(name, ".key") {
		mode = 0o600
	}
	temporary, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // it is there no more when all went well
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Chmod(mode)
	}
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), filepath.Join(dir, name))
}
