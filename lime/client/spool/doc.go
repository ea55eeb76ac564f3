// Package spool keeps messages in a directory: a client.Store that outlives the program.
//
//	s, err := spool.Open("/var/lib/kiosk/spool", spool.Config{})
//	if err != nil {
//		return err
//	}
//	defer s.Close() // after the client has ended
//	c, err := client.Dial(ctx, url, client.Config{Node: node, Store: s})
//
// # On disk
//
// A message is appended to the last of some files, and so is the word that it is removed. Files
// go from the oldest on, when nothing in them is kept any more. When they take more than twice of
// what is kept, what is left in the oldest moves to the last. A file is a magic line and records:
// length and CRC-32C of the body, four bytes each in little-endian, and the body, which is a kind, a
// number of eight bytes and, of a message, its media type behind the length of it, and its text.
//
// Nothing is ever written over. So what a crash leaves is at most a record that ends too early, at
// the end of the last file: Open drops it and counts it in Stats.Damaged. A record elsewhere whose
// sum is wrong, by a fault of the disk, costs itself, and one whose length is impossible costs the
// rest of its file. None of it is an error.
//
// # What a crash may cost
//
// What Put has returned for survives the end of the process, by SIGKILL too: the system has it.
// What a power cut costs is a matter of Config: by default what came in the last second.
package spool
