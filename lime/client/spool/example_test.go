package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
	"limegrove/lime/client/spool"
)

// A program publishes while there is no network, and ends. The next one has it sent.
func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }() // of what is left the system disposes
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	err = program(dir, "ws://127.0.0.1:1/", func(c *client.Client) {
		_, err := c.PublishAsync(ctx, &lime.Message{To: lime.MustParseNode("rui@localhost"), Type: lime.MediaText, Content: []byte(`"hello"`)})
		fmt.Println("kept:", err == nil)
		short, stop := context.WithTimeout(ctx, time.Millisecond)
		defer stop()
		err = c.Publish(short, &lime.Message{To: lime.MustParseNode("rui@localhost"), Type: lime.MediaText, Content: []byte(`"are you there?"`)})
		fmt.Println("kept, and not waited for:", errors.Is(err, client.ErrKept))
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	server := clienttest.New()
	defer server.Close()
	rui, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("rui@localhost/desk")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rui.Close()
	err = program(dir, server.URL(), func(*client.Client) {
		n := 0
		for m, err := range rui.Messages(ctx) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(string(m.Content))
			if n++; n == 2 {
				return
			}
		}
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// kept: true
	// kept, and not waited for: true
	// "hello"
	// "are you there?"
}

func program(dir, url string, do func(*client.Client)) error {
	s, err := spool.Open(dir, spool.Config{})
	if err != nil {
		return err
	}
	c, err := client.Start(url, client.Config{Node: lime.MustParseNode("kiosk@localhost/1"), Store: s})
	if err != nil {
		return errors.Join(err, s.Close())
	}
	do(c)
	c.Close()
	return s.Close()
}
