package resource

import (
	"context"
	"encoding/json"
	"strings"

	"limegrove/lime"
)

// Files is where the files of identities are announced. Errors that are for the requester match
// *lime.Reason: code 64 for what no file can be, 34 for one that is too long or does not fit into
// the owner's quota, 67 for one that does not exist or is somebody else's.
type Files interface {
	// Announce makes room for a file of f's name, type, size and digest.
	Announce(ctx context.Context, owner lime.Identity, f lime.File) (lime.File, error)
	// File returns one with a new ticket.
	File(ctx context.Context, owner lime.Identity, id string) (lime.File, error)
	// List returns all of an owner, without tickets, the oldest first.
	List(ctx context.Context, owner lime.Identity) ([]lime.File, error)
	Remove(ctx context.Context, owner lime.Identity, id string) error
}

// HandleFiles registers /files and /files/<id>, for the owner of files:
//
//   - set /files with {"name", "type", "size", "sha256"}, of which type and sha256 may be absent,
//     announces a file. The answer has its id, the link to be sent to others as "uri", and "upload":
//     where it is sent, and a token that is good for an hour;
//   - get /files lists them, paged by take and skip (L-RES-11);
//   - get /files/<id> returns one, with "upload" while it is not complete and "download" then,
//     and new tokens in them: so an upload that takes longer than an hour goes on;
//   - delete /files/<id> removes one for good, also for those who have the link.
//
// Those of anybody else are refused with 35 or 67, and so is a guest unless guests may.
func HandleFiles(m *Mux, files Files, guests bool) {
	h := fileHandler{files, guests}
	m.Handle(lime.MethodGet, "/files", h.list)
	m.Handle(lime.MethodSet, "/files", h.announce)
	m.Handle(lime.MethodGet, "/files/{id}", h.get)
	m.Handle(lime.MethodDelete, "/files/{id}", h.remove)
}

type fileHandler struct {
	files  Files
	guests bool
}

func (h fileHandler) check(r Request) error {
	if r.Guest && !h.guests {
		return notPermitted()
	}
	return r.checkOwn()
}

func (h fileHandler) list(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	p, err := pageOf(r.URI)
	if err != nil {
		return Document{}, err
	}
	all, err := h.files.List(ctx, r.From.Identity)
	if err != nil {
		return Document{}, err
	}
	return collection(p, lime.MediaFile, all)
}

func (h fileHandler) announce(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	var given struct {
		Name   string `json:"name"`
		Type   string `json:"type"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	}
	if r.Type != "" && !strings.EqualFold(r.Type, lime.MediaFile) && !strings.EqualFold(r.Type, lime.MediaJSON) {
		return Document{}, lime.NewReason(lime.CodeValidationInvalidResource, "A file is of the type %s", lime.MediaFile)
	}
	if json.Unmarshal(r.Resource, &given) != nil { // its text may quote the input
		return Document{}, badArgument("A file is a JSON object with a name and a size")
	}
	f, err := h.files.Announce(ctx, r.From.Identity, lime.File{Name: given.Name, Type: given.Type, Size: given.Size, SHA256: given.SHA256})
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaFile, f)
}

func (h fileHandler) get(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	f, err := h.files.File(ctx, r.From.Identity, r.Segment("id"))
	if err != nil {
		return Document{}, err
	}
	return jsonDocument(lime.MediaFile, f)
}

func (h fileHandler) remove(ctx context.Context, r Request) (Document, error) {
	if err := h.check(r); err != nil {
		return Document{}, err
	}
	return Document{}, h.files.Remove(ctx, r.From.Identity, r.Segment("id"))
}
