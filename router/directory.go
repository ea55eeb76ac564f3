package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/document"
	"limegrove/lime"
)

// directoryBucket holds what accounts publish of themselves, so that showing it need not read
// all accounts.
const directoryBucket = "directory"

// maxDirectory is how much a domain's directory shows. More is published, and had by its
// identity, but a list would take a router's time and memory.
var maxDirectory = document.Most{Documents: 10_000, Bytes: 32 << 20}

// directory is what accounts publish, in JetStream.
type directory struct {
	bucket *document.Bucket
	lists  *lists
}

func openDirectory(ctx context.Context, js jetstream.JetStream, replicas int) (directory, error) {
	b, err := document.Open(ctx, document.Config{JetStream: js, Name: directoryBucket, Replicas: replicas})
	d := directory{bucket: b}
	d.lists = newLists(d.read)
	return d, err
}

// Publish is that of resource.Directory.
func (d directory) Publish(ctx context.Context, id lime.Identity, published func(context.Context) (json.RawMessage, error)) error {
	k, err := document.Of(id)
	if err != nil {
		return err
	}
	err = d.bucket.Change(ctx, k, func(document.Document) ([]byte, error) { return published(ctx) })
	if err != nil {
		return fmt.Errorf("publish %s: %w", id, err)
	}
	return nil
}

// Published is that of resource.Directory.
func (d directory) Published(ctx context.Context, id lime.Identity) (json.RawMessage, error) {
	k, err := document.Of(id)
	if err != nil {
		return nil, err
	}
	doc, err := d.bucket.Get(ctx, k)
	if errors.Is(err, document.ErrNotFound) {
		return nil, nil
	}
	return doc.Value, err
}

// List is that of resource.Directory. It may be older than now by listFresh,
// and the time of its reading.
func (d directory) List(ctx context.Context, domain string) ([]json.RawMessage, error) {
	return d.lists.get(ctx, lime.Identity{Domain: domain}.Fold().Domain)
}

// read reads what is published in a folded domain.
func (d directory) read(ctx context.Context, domain string) ([]json.RawMessage, error) {
	k, err := document.Key("").Part(domain)
	if err != nil {
		return nil, err
	}
	docs, err := d.bucket.UnderAtMost(ctx, k, maxDirectory)
	if err != nil {
		return nil, fmt.Errorf("list the directory: %w", err)
	}
	all := make([]json.RawMessage, len(docs))
	for i := range docs {
		all[i] = docs[i].Value
	}
	return all, nil
}
