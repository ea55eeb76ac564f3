// Package chat is `lime chat`: conversations in a terminal, over a session of lime/client.
//
// It has three parts, and only the last one does anything:
//
//   - a model, which is all that is shown. It is changed by update alone, which is given one event (a key, an envelope,
//     the answer to something, the time) and returns effects: what is to be done, as values. It does no I/O, and tests
//     need nothing else;
//   - a view, draw, which makes a frame of cells of the model, at any size. What others have written comes into cells
//     by way of plain, and in no other way, so that it can neither steer the terminal nor leave its place;
//   - a program, which has a screen and a session: one loop that takes events from both, and does the effects.
//
// # Bounds
//
//	what                           bound           when it is reached
//	conversations                  maxTalks        the one in which nothing has happened for longest is forgotten
//	lines of a conversation        maxLines        the oldest is forgotten
//	text of a conversation         maxTalkBytes    likewise
//	text of a message              maxText         the rest is not shown
//	what is typed                  maxInput        no more is taken
//	files that can be fetched      maxFiles        the oldest cannot be any more
//	own messages on disk           keptMessages    the next one fails, and says so
//	events that wait               maxEvents       who brings them waits; so does the server, in the end
//	questions under way            maxAsked        the next one fails, and says so
//	transfers that wait            maxTransfers    likewise
//
// # What it does not do
//
// It keeps no conversation on disk: what a room keeps comes from the cluster, and the rest is gone with the process,
// but for own messages that are not stored yet.
package chat
