package programs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// reply is what an answer may take.
const reply = 2 * time.Second

// Answers returns a check that wants an HTTP page to be there.
func Answers(url string) func(context.Context) error {
	client := &http.Client{Timeout: reply, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s: %s", url, response.Status, text)
		}
		return err
	}
}

// RedisAnswers returns a check that wants Redis to answer.
func RedisAnswers(address string) func(context.Context) error {
	return func(ctx context.Context) error { return RedisDo(ctx, address, "PING") }
}

// RedisDo has Redis do a command without arguments.
func RedisDo(ctx context.Context, address, command string) error {
	d := net.Dialer{Timeout: reply}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(reply)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(answer, "+") {
		err = fmt.Errorf("redis answers %q to %s", answer, command)
	}
	return err
}
