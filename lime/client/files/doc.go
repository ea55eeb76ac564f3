// Package files sends and fetches files beside a session of lime/client: by HTTP, in parts, and on
// from where it stands when a connection breaks.
//
//	t, err := files.New(c, files.Config{})
//	if err != nil {
//		return err
//	}
//	f, err := t.UploadFile(ctx, "cat.png")
//	if err != nil {
//		return err
//	}
//	content, err := json.Marshal(f.Link())
//	…
//	err = c.Publish(ctx, &lime.Message{To: rui, Type: lime.MediaLinkType, Content: content})
//
// and where it is received
//
//	into, err := files.OpenDirectory("received", "{type}/{from}")
//	…
//	got, err := t.Download(ctx, link, m.From.Identity, into)
//
// # Uploads
//
// The file is announced by a command, with its size and SHA-256, and uploaded as tus 1.0 has it. What
// breaks is tried again, longer apart each time, and begins where the server stands: at another edge too, behind the same address.
// Upload gives up after Config.Tries without a single byte of progress, when the server refuses for good, and with its context. What was announced
// can be gone on with later, also by another process: see Resume. The server forgets it after a day.
//
// # Downloads
//
// A link is what somebody has sent: it may lead anywhere. Config.Allow says where it may; by default wherever http and https lead,
// so that a program inside a network that others should not see has to say more. A download goes first into a file of a
// hidden name in the directory, from which another Download of the same goes on, and has its own name when it is whole and its
// SHA-256 is what the server says (Repr-Digest, RFC 9530). It never leaves the directory,
// whatever names and links say, and takes no existing file's place unless Directory.Overwrite is set; Directory.Rename gives it a free name.
//
// # What it does not do
//
// It encrypts nothing: what is to be a secret from the server has to be encrypted before. It does not look into files.
package files
