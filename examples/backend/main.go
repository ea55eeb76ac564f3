// Command backend is a platform's HTTP backend beside Limegrove, as small as one can be. It
// decides who may log in and enter which rooms, is told what happens, and publishes to rooms,
// without holding a socket. The README's tour runs it.
package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"
)

// backend is what its handlers share.
type backend struct {
	api    string // Limegrove's, without a slash at its end
	key    string // of it
	secret []byte // by which Limegrove signs what it asks
	log    *log.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout) //nolint:forbidigo // likewise
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "backend:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	f := flag.NewFlagSet("backend", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:9000", "`address` to serve")
	api := f.String("api", "http://127.0.0.1:8085", "`URL` of Limegrove's HTTP API")
	if err := f.Parse(args); err != nil {
		return err
	}
	b := backend{api: *api, key: getenv("LIMEGROVE_API_KEY"), secret: []byte(getenv("BACKEND_SECRET")), log: log.New(out, "", 0)}
	if b.key == "" || len(b.secret) < 16 {
		return errors.New("LIMEGROVE_API_KEY and BACKEND_SECRET, of 16 bytes at least, have to be set")
	}
	mux := http.NewServeMux()
	mux.Handle("POST /login", b.signed(b.login))
	mux.Handle("POST /events", b.signed(b.events))
	mux.HandleFunc("GET /api/bootstrap/", b.bootstrap)
	mux.HandleFunc("POST /rides/{ride}/arrived", b.arrived)
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	end := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer end()
	b.log.Printf("the backend serves http://%s", *listen)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// signed lets through what Limegrove has signed, a minute ago at most.
func (b *backend) signed(next func(http.ResponseWriter, []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		at := r.Header.Get("Limegrove-Timestamp")
		h := hmac.New(sha256.New, b.secret)
		h.Write([]byte(at + "."))
		h.Write(body)
		seconds, err := strconv.ParseInt(at, 10, 64)
		right := hmac.Equal([]byte(r.Header.Get("Limegrove-Signature")), []byte("sha256="+hex.EncodeToString(h.Sum(nil))))
		if err != nil || !right || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		next(w, body)
	})
}

// login lets in who shows the token of its name, and says which rooms it may enter: those of
// all rides, and one of its own.
func (b *backend) login(w http.ResponseWriter, body []byte) {
	var asked struct {
		Identity       string
		Authentication struct{ Token []byte } // in Base64
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if string(asked.Authentication.Token) != "token of "+asked.Identity { // a real one asks its database
		answer(w, map[string]any{"granted": false, "reason": map[string]string{"description": "Nobody has this token"}})
		return
	}
	b.log.Printf("%s logs in", asked.Identity)
	answer(w, map[string]any{"granted": true, "rooms": []any{
		map[string]any{"room": "/ride/*", "may": []string{"enter"}},
		map[string]any{"room": "/user/{name}", "may": []string{"enter", "publish"}},
	}})
}

// events is told what happens. What it has answered 200 to does not come again.
func (b *backend) events(w http.ResponseWriter, body []byte) {
	var told struct {
		Events []struct {
			Type     string
			Identity string
			Data     struct {
				From     string
				Envelope struct{ Content any }
			}
		}
	}
	if err := json.Unmarshal(body, &told); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, e := range told.Events {
		if e.Type == "message.absent" { // here a notification is pushed to its phone
			b.log.Printf("push to %s: %v, from %s", e.Identity, e.Data.Envelope.Content, e.Data.From)
			continue
		}
		b.log.Printf("%s %s", e.Type, e.Identity)
	}
}

// bootstrap tells high-templar's clients the rooms that they may enter.
func (b *backend) bootstrap(w http.ResponseWriter, r *http.Request) {
	user, err := r.Cookie("user")
	if err != nil || user.Value == "" {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	answer(w, map[string]any{"allowed_rooms": []any{map[string]string{"target": "ride", "depot": "*"}}})
}

// arrived is the platform's own: a ride has arrived, and all in its room are told.
func (b *backend) arrived(w http.ResponseWriter, r *http.Request) {
	ride := r.PathValue("ride")
	body, err := json.Marshal(map[string]any{
		"rooms": []any{"/ride/" + ride, map[string]string{"target": "ride", "depot": ride}},
		"type":  "text/plain", "content": "ride " + ride + " has arrived",
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := b.publish(r.Context(), body); err != nil {
		b.log.Print(err)
		http.Error(w, "it could not be told", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *backend) publish(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.api+"/v1/rooms/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+b.key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		problem, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // as much as there is
		return fmt.Errorf("publish: %s: %s", response.Status, problem)
	}
	return nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
