package resource

import (
	"encoding/json"
	"strconv"

	"limegrove/lime"
)

// page is the part of a collection that a request asks for.
type page struct{ skip, take int }

// How many items an answer has at most, and without take in the URI. The rest is had
// by skip; total tells how many there are.
const (
	maxTake     = 500
	defaultTake = 100

	// maxPage is how many bytes the items have at most, but for one that is longer alone: a
	// page with less than was asked for. It is far below the broker's max_payload, which is
	// 1 MiB where nobody has changed it.
	maxPage = 256 << 10
)

// pageOf reads take and skip, or $take and $skip (L-RES-11), whose errors have code 64.
// More than maxTake is maxTake.
func pageOf(u lime.URI) (page, error) {
	p := page{take: defaultTake}
	for name, n := range map[string]*int{"take": &p.take, "skip": &p.skip} {
		text := u.Param(name)
		if text == "" {
			continue
		}
		var err error
		if *n, err = strconv.Atoi(text); err != nil || *n < 0 {
			return page{}, lime.NewReason(lime.CodeCommandInvalidArgument, "%s is no number of items", name)
		}
	}
	p.take = min(p.take, maxTake)
	return p, nil
}

// collection returns one page of all items, which are of the media type.
func collection[T any](p page, itemType string, all []T) (Document, error) {
	part := all[min(p.skip, len(all)):]
	part = part[:min(p.take, len(part))]
	items := []json.RawMessage{}
	size := 0
	for i := range part {
		item, err := lime.MarshalJSON(part[i])
		if err != nil {
			return Document{}, err
		}
		if size += len(item) + len(","); size > maxPage && i > 0 {
			break
		}
		items = append(items, item)
	}
	return jsonDocument(lime.MediaCollection, struct {
		Total    int               `json:"total"`
		ItemType string            `json:"itemType"`
		Items    []json.RawMessage `json:"items"`
	}{len(all), itemType, items})
}
