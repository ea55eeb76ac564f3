package main

import "testing"

func TestSecondEdgeTakesNoPortOfTheFirst(t *testing.T) {
	for _, row := range []struct{ web, tcp, wantWeb, wantTCP string }{
		{"[::]:8080", "[::]:55321", ":8081", ":55322"},
		{"[::]:8080", "[::]:8081", ":8082", ":8083"},
		{"[::]:8081", "127.0.0.1:8080", ":8083", "127.0.0.1:8082"},
		{"10.0.0.1:65535", "10.0.0.1:65534", "10.0.0.1:0", "10.0.0.1:0"},
		{"[::]:8080", "", ":8081", `""`},
	} {
		step := stepFrom([]string{row.web, row.tcp}, nil)
		if web, tcp := laterPort(row.web, step), laterPort(row.tcp, step); web != row.wantWeb || tcp != row.wantTCP {
			t.Errorf("behind %s and %q come %s and %s, not %s and %s", row.web, row.tcp, web, tcp, row.wantWeb, row.wantTCP)
		}
	}
}

func TestSecondEdgeTakesNoneOfAnyPort(t *testing.T) {
	for _, row := range []struct {
		moved, kept []string
		want        int
	}{
		{[]string{":8080", ":8090", ":7946"}, nil, 1},
		{[]string{":8080", ":8081", "127.0.0.1:8082"}, nil, 3}, // -files beside -tcp
		{[]string{":8080", ":8082"}, []string{":8081"}, 3},
		{[]string{":8080", ""}, []string{":8081", "127.0.0.1:8082"}, 3},
	} {
		if step := stepFrom(row.moved, row.kept); step != row.want {
			t.Errorf("behind %q and %q the step is %d, not %d", row.moved, row.kept, step, row.want)
		}
	}
	if at := hostOf("nats://127.0.0.1:4222"); portOf(at) != 4222 {
		t.Errorf("it is at %q", at)
	}
}
