// Package teststore fills stores with footage without a camera and without
// waiting: for tests that need hours, days or months of it.
//
// Its nouns:
//
//   - Params and Clip: pictures of the test camera, encoded once, as samples.
//     Each shows its number, which testcamera.ReadCounter reads back.
//   - Sound: that of a take, if it has some.
//   - Camera and Create: what a new store is.
//   - Store: one that is open for recording. Record does what a recorder does,
//     by the same steps: names are reserved, sample files written, and saved
//     with the rotation that follows from it.
//   - Take: what to record: when, how long, in how many recordings, which part
//     of a clip.
//
// What the mount makes of it does not belong here.
package teststore
