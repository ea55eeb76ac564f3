package clienttest_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewerSessionReplacesTheOlder(t *testing.T) {
	s := clienttest.Start(t)
	cfg := client.Config{Node: lime.MustParseNode("ana@localhost/web")}
	older, err := client.Dial(t.Context(), s.URL(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := client.Dial(t.Context(), s.URL(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-older.Done()
	if err := older.Err(); !errors.Is(err, &lime.Reason{Code: lime.CodeSessionRegistrationError}) {
		t.Errorf("the older ends with %v", err)
	}
	if _, err := newer.Command(t.Context(), &lime.Command{Method: lime.MethodGet, URI: "/ping"}); err != nil {
		t.Errorf("the newer asks: %v", err)
	}
	away := &lime.Command{To: lime.MustParseNode("rui@localhost/x"), Method: lime.MethodGet, URI: "/ping"}
	if _, err := newer.Command(t.Context(), away); !errors.Is(err, &lime.Reason{Code: lime.CodeRoutingDestinationNotFound}) {
		t.Errorf("who is away answers: %v", err)
	}
	if err := newer.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGuestWithoutAnInstanceGetsOne(t *testing.T) {
	s := clienttest.Start(t)
	c, err := client.Dial(t.Context(), s.URL(), client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !c.Node().Complete() {
		t.Errorf("it is %s", c.Node())
	}
	s.Cut()
	if _, err := c.Command(t.Context(), &lime.Command{Method: lime.MethodSet, URI: "/presence", Type: lime.MediaPresence, Resource: []byte("{}")}); err != nil && !errors.Is(err, client.ErrLost) {
		t.Error(err)
	}
}
