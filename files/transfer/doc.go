// Package transfer moves files between clients and the store, over HTTP.
//
// # Uploads
//
// An upload is a resource of tus 1.0 (https://tus.io/protocols/resumable-upload): the core, with the
// extensions creation, checksum (sha1 and sha256), expiration and termination. Each request has a ticket as its bearer
// token. Where a client was given the address of its upload it needs no creation; a library that begins with one
// posts to /files, and is told the same address.
//
//	POST    /files        creation: Upload-Length is that of the announcement; 201 with Location
//	HEAD    /files/{id}   where the upload stands: Upload-Offset, Upload-Length
//	PATCH   /files/{id}   adds what comes, from Upload-Offset on
//	DELETE  /files/{id}   gives the upload up
//	OPTIONS /files        what is spoken
//
// What has come is stored while it comes, so that an upload which breaks goes on at most a chunk
// earlier, at any edge. When the last byte is there the digest is held against what was announced: 460, and the file is gone.
// With Upload-Checksum the bytes of a request are kept in memory until they are verified; so there are at most 2 MiB of them.
//
// # Downloads
//
//	GET  /files/{id}/{capability}/{name…}   by a link, which is what people are sent
//	GET  /files/{id}                        by a ticket
//
// with ranges and conditions of RFC 9110, an ETag, and the digest (Repr-Digest, RFC 9530). A file is somebody's word: the browser is told to save it and
// not to show it, not to guess what it is, and, where it shows it all the same, to treat it as a page of nobody's without scripts.
//
// # Bounds
//
// So many uploads and so many downloads are under way at once, and fewer of one owner's uploads; what comes beyond is told to
// come again. A client that moves nothing for the idle time is cut, which costs it nothing but another request. An upload has one chunk
// in memory, a download likewise.
//
// Pages of any origin may use it: what allows a request is its token or its link, and never a cookie.
package transfer
