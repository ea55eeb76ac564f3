package aioconnectors

import "strconv"

// requests are those of others to a connector that it has not answered, so that its answer
// finds who has asked: a connector of the original addresses all to its server. The zero value
// is empty.
type requests struct {
	open  map[request]asker
	order []request // in which they came, with some that are answered; maxRequests at most
	again uint64    // how many had an id that was taken
}

// request is one as the connector sees it.
type request struct{ kind, id string } // id is JSON

// asker is whose it is.
type asker struct{ from, id string } // the node, and its own id for it

// maxRequests is how many are open; then the first one is forgotten.
const maxRequests = 1000

// ask notes a request, and returns the id that it is to have: its own, unless somebody else has
// one of that id open.
func (r *requests) ask(kind, id, from string) (as string) {
	key, who := request{kind, id}, asker{from, id}
	if r.open == nil {
		r.open = map[request]asker{}
	}
	switch other, taken := r.open[key]; {
	case taken && other == who: // it comes again
		return id
	case taken:
		r.again++
		key.id = string(appendText(nil, id+"~"+strconv.FormatUint(r.again, 10)))
	}
	if len(r.order) >= maxRequests {
		delete(r.open, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.order = append(r.order, key)
	r.open[key] = who
	return key.id
}

// answer returns whose a request is that is answered, which it is no more after that.
func (r *requests) answer(kind, id string) (who asker, ok bool) {
	key := request{kind, id}
	who, ok = r.open[key]
	delete(r.open, key)
	return who, ok
}
