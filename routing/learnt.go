package routing

// learnt is what an edge was told of an identity, besides its registrations. Guarded by the hub's shard.
type learnt struct {
	given  delegations // what was given to it by others
	policy hubPolicy   // who may send to it
	alone  *alone      // whether other edges have hubs of it; nil while nobody wanted to know
}

// unlearnt is what there is where nothing was told. It is not changed.
var unlearnt learnt

// knows tells whether there is anything that was told.
func (h *hub) knows() bool { return h.wide != nil && h.wide.learnt != nil }

// known returns what was told, to be read.
func (h *hub) known() *learnt {
	if !h.knows() {
		return &unlearnt
	}
	return h.wide.learnt
}

// learns returns what was told, to be changed.
func (h *hub) learns() *learnt {
	w := h.widened()
	if w.learnt == nil {
		w.learnt = new(learnt)
	}
	return w.learnt
}

// learning is how far a hub is with that.
type learning uint8

const (
	givenKnown    learning = 1 << iota // it was read, and nothing speaks against it; otherwise nothing of it counts
	givenAsked                         // somebody who is no guest wanted it read
	policyKnown                        // it was read
	policyAsked                        // it is to be read: somebody who is no guest has come, or a guest has made the account
	grantsAsked                        // somebody who is no guest has come: sessions keep grants themselves
	grantsDoubted                      // something may have been told of them that was not heard
)

func (l *learning) has(some learning) bool { return *l&some != 0 }

func (l *learning) set(some learning, on bool) {
	if on {
		*l |= some
	} else {
		*l &^= some
	}
}

// doubt says that something may have been told that was not heard.
func (h *hub) doubt() {
	h.news++
	h.learning.set(givenKnown, false)
	h.learning.set(grantsDoubted, true)
}
