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
		step := stepFrom(row.web, row.tcp)
		if web, tcp := laterPort(row.web, step), laterPort(row.tcp, step); web != row.wantWeb || tcp != row.wantTCP {
			t.Errorf("behind %s and %q come %s and %s, not %s and %s", row.web, row.tcp, web, tcp, row.wantWeb, row.wantTCP)
		}
	}
}
