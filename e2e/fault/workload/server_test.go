package workload

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// envelope is any of LIME's, as far as the server cares.
type envelope struct {
	ID       string          `json:"id,omitempty"`
	From     string          `json:"from,omitempty"`
	To       string          `json:"to,omitempty"`
	State    string          `json:"state,omitempty"`
	Schemes  []string        `json:"schemeOptions,omitempty"`
	Type     string          `json:"type,omitempty"`
	Content  string          `json:"content,omitempty"`
	Event    string          `json:"event,omitempty"`
	Method   string          `json:"method,omitempty"`
	URI      string          `json:"uri,omitempty"`
	Status   string          `json:"status,omitempty"`
	Reason   *reason         `json:"reason,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
}

type reason struct {
	Code int `json:"code"`
}

// server is a cluster as it should be, in one lock, but for what a test has it do wrong.
type server struct {
	lose   bool // every hundredth message that it has accepted
	double bool // it delivers every hundredth twice

	mu     sync.Mutex
	random *rand.Rand
	nodes  map[string]*link      // who is in session
	logs   map[string][]envelope // by address
	stored map[string]bool       // ids
	groups map[string][]string   // their members
	count  int
}

func newServer() *server {
	return &server{
		random: rand.New(rand.NewPCG(1, 1)), nodes: map[string]*link{}, logs: map[string][]envelope{},
		stored: map[string]bool{}, groups: map[string][]string{},
	}
}

// link is a connection. What is sent to it waits in out.
type link struct {
	conn      *websocket.Conn
	node      string
	available bool
	read      map[string]int // of the logs of its addresses: each session gets all anew
	out       chan envelope
	cancel    context.CancelFunc
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"lime"}})
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	l := &link{conn: conn, read: map[string]int{}, out: make(chan envelope, 1<<16), cancel: cancel}
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-l.out:
				if wsjson.Write(ctx, conn, e) != nil {
					return
				}
			}
		}
	})
	for {
		var e envelope
		if wsjson.Read(ctx, conn, &e) != nil {
			break
		}
		s.take(l, e)
	}
	s.mu.Lock()
	if s.nodes[l.node] == l {
		delete(s.nodes, l.node)
	}
	s.mu.Unlock()
	cancel()
	writing.Wait()
	_ = conn.CloseNow()
}

func (s *server) take(l *link, e envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.State == "new":
		l.out <- envelope{ID: "1", State: "authenticating", Schemes: []string{"guest", "plain"}}
	case e.State == "authenticating":
		if old := s.nodes[e.From]; old != nil {
			old.out <- envelope{State: "failed", Reason: &reason{12}}
			delete(s.nodes, e.From)
		}
		l.node = e.From
		s.nodes[l.node] = l
		l.out <- envelope{ID: "1", State: "established", To: l.node}
	case e.Method != "":
		s.group(l, e)
		l.out <- envelope{ID: e.ID, Method: e.Method, Status: "success"}
		if e.URI == "/presence" {
			l.available = true
			s.deliver(l)
		}
	case e.Content != "" && s.nodes[l.node] == l:
		s.message(l, e)
	}
}

func (s *server) message(l *link, e envelope) {
	s.count++
	if s.random.IntN(200) == 0 {
		l.cancel() // as if the connection broke, with the message stored or not
		if s.random.IntN(2) == 0 {
			return
		}
	}
	if s.random.IntN(100) == 0 && !s.stored[e.ID] {
		l.out <- envelope{ID: e.ID, Event: "failed", Reason: &reason{51}}
		return
	}
	l.out <- envelope{ID: e.ID, Event: "accepted"}
	if s.stored[e.ID] || s.lose && s.count%100 == 0 {
		return
	}
	s.stored[e.ID] = true
	e.From = l.node
	s.log(e.To, e)
	own, _, _ := strings.Cut(l.node, "/")
	for _, member := range s.groups[e.To] {
		if member != own {
			one := e
			one.From, one.To = e.To+"/"+strings.ReplaceAll(own, "@", "%40"), member
			s.log(member, one)
		}
	}
}

// log has what is for an address delivered.
func (s *server) log(to string, e envelope) {
	s.logs[to] = append(s.logs[to], e)
	for node, other := range s.nodes {
		if identity, _, _ := strings.Cut(node, "/"); node == to || identity == to {
			s.deliver(other)
		}
	}
}

// group takes what is said of groups.
func (s *server) group(l *link, e envelope) {
	var is struct{ Identity, Address string }
	if json.Unmarshal(e.Resource, &is) != nil {
		return
	}
	of, ok := strings.CutPrefix(e.URI, "/groups/")
	switch {
	case ok:
		of, _, _ = strings.Cut(of, "/")
		s.groups[of] = append(s.groups[of], is.Address)
	case e.URI == "/groups":
		owner, _, _ := strings.Cut(l.node, "/")
		s.groups[is.Identity] = []string{owner}
	}
}

// deliver hands out what a node has not had.
func (s *server) deliver(l *link) {
	if !l.available {
		return
	}
	identity, _, _ := strings.Cut(l.node, "/")
	for _, address := range []string{l.node, identity} {
		for _, e := range s.logs[address][l.read[address]:] {
			l.out <- e
			if s.double && s.count%100 == 0 {
				l.out <- e
			}
		}
		l.read[address] = len(s.logs[address])
	}
}
