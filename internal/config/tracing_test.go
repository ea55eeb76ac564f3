package config

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestTracingIsOffAndBounded(t *testing.T) {
	e, err := ParseEdge(nil, func(string) string { return "" }, io.Discard)
	if want := (Tracing{Rate: 100}); err != nil || !reflect.DeepEqual(e.Tracing, want) {
		t.Errorf("%+v, want %+v (%v)", e.Tracing, want, err)
	}
	e, err = ParseEdge([]string{"-trace-endpoint", "https://collector:4318/v1/traces", "-trace-share", "0.25", "-trace-rate", "0", "-trace-headers", "authorization=Basic dTpw=,x-scope=a"}, func(string) string { return "" }, io.Discard)
	if want := (Tracing{"https://collector:4318/v1/traces", []string{"authorization=Basic dTpw=", "x-scope=a"}, 0.25, 0}); err != nil || !reflect.DeepEqual(e.Tracing, want) {
		t.Errorf("%+v, want %+v (%v)", e.Tracing, want, err)
	}
	if got, want := e.Tracing.Header(), (http.Header{"Authorization": {"Basic dTpw="}, "X-Scope": {"a"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("the headers are %v, want %v", got, want)
	}
}

func TestTracingThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"trace-endpoint", "collector:4318", "-trace-endpoint: the URL must begin with http:// or https://"},
		{"trace-endpoint", "http://", "-trace-endpoint: the URL names no host"},
		{"trace-endpoint", "http://u:hunter2@collector", "-trace-endpoint: the URL must hold no password"},
		{"trace-endpoint", "http://collector/?key=hunter2", "-trace-endpoint: the URL must have no query"},
		{"trace-headers", "hunter2", "-trace-headers: header 1 is not name=value"},
		{"trace-headers", "a=b,x y=hunter2", "-trace-headers: header 2 is not name=value"},
		{"trace-headers", "a=hunter2\r\nb: c", "-trace-headers: header 1 is not name=value"},
		{"trace-share", "1.1", "-trace-share: 1.1 is not between 0 and 1"},
		{"trace-share", "NaN", "-trace-share: NaN is not between 0 and 1"},
		{"trace-rate", "-1", "-trace-rate: -1 is less than 0"},
	} {
		_, err := ParseEdge([]string{"-" + c.flag, c.value}, func(string) string { return "" }, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("-%s %s: %v, want %s", c.flag, c.value, err, c.want)
		}
	}
}
