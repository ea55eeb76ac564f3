package router

import (
	"context"
	"encoding/hex"
	"errors"

	"limegrove/files"
	"limegrove/lime"
)

// fileStore is the store of files as the resource wants to see it.
type fileStore struct {
	*files.Store
	url string // under which clients reach /files of any edge
}

// Announce is that of resource.Files.
func (s fileStore) Announce(ctx context.Context, owner lime.Identity, f lime.File) (lime.File, error) {
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil {
		return f, lime.NewReason(lime.CodeCommandInvalidArgument, "A file's sha256 is hexadecimal")
	}
	announced, err := s.Store.Announce(ctx, owner, files.Announcement{Name: f.Name, Type: f.Type, Size: f.Size, SHA256: sum})
	if err != nil {
		return f, err
	}
	return s.withTicket(&announced)
}

// File is that of resource.Files.
func (s fileStore) File(ctx context.Context, owner lime.Identity, id string) (lime.File, error) {
	f, err := s.own(ctx, owner, id)
	if err != nil {
		return lime.File{}, err
	}
	return s.withTicket(&f)
}

// List is that of resource.Files.
func (s fileStore) List(ctx context.Context, owner lime.Identity) ([]lime.File, error) {
	all, err := s.Store.List(ctx, owner)
	shown := make([]lime.File, len(all))
	for i := range all {
		shown[i] = s.show(&all[i])
	}
	return shown, err
}

// Remove is that of resource.Files.
func (s fileStore) Remove(ctx context.Context, owner lime.Identity, id string) error {
	f, err := s.own(ctx, owner, id)
	if err != nil {
		return err
	}
	if err = s.Store.Remove(ctx, f.ID); errors.Is(err, files.ErrNotFound) {
		err = errNoFile()
	}
	return err
}

// own returns a file that is owner's. Of another's nobody learns that there is one.
func (s fileStore) own(ctx context.Context, owner lime.Identity, text string) (f files.File, err error) {
	id, ok := files.ParseID(text)
	if !ok {
		return f, errNoFile()
	}
	f, err = s.Describe(ctx, id)
	if errors.Is(err, files.ErrNotFound) || err == nil && !f.Owner.EqualFold(owner) {
		return files.File{}, errNoFile()
	}
	return f, err
}

func errNoFile() error {
	return lime.NewReason(lime.CodeCommandResourceNotFound, "There is no such file of yours")
}

// show says of a file what its owner may know.
func (s fileStore) show(f *files.File) lime.File {
	return lime.File{
		ID: string(f.ID), Name: f.Name, Type: f.Type, Size: f.Size, SHA256: hex.EncodeToString(f.SHA256),
		Complete: f.Complete, Expires: lime.FormatTime(f.Expires), URI: s.url + s.Path(f),
	}
}

// withTicket says what its owner may do, too.
func (s fileStore) withTicket(f *files.File) (lime.File, error) {
	shown := s.show(f)
	deed := files.ToUpload
	if f.Complete {
		deed = files.ToDownload
	}
	token, until, err := s.Ticket(f, deed)
	t := &lime.FileTicket{URI: s.url + "/files/" + string(f.ID), Token: token, Expires: lime.FormatTime(until)}
	if f.Complete {
		shown.Download = t
	} else {
		shown.Upload = t
	}
	return shown, err
}
