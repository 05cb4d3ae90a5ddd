// SPDX-License-Identifier: GPL-3.0-or-later

// Package pullpoint takes events from cameras themselves, by the PullPoint of ONVIF's event service
// (ONVIF Core Specification, Event Handling): it subscribes, and asks again and again what has
// happened.
//
// It is an optional room of events: nothing but cmd imports it, and where no camera is named
// nothing of it runs.
//
//   - Camera says where a camera is, and with whose password.
//   - Listener asks one camera until it is closed.
//   - client speaks SOAP: requests are written out, answers are read by encoding/xml.
//
// # Caveats
//
// What a camera answers is anybody's: answers are bounded in time, size and number. A camera may
// name another address for its subscription, perhaps one that is right only in its own network;
// it is asked at the host that was given, whatever it says, so that it cannot send anybody elsewhere.
//
// The clocks of cameras may be wrong. An event begins when it arrives, which is within a moment
// of when it happened: the camera answers at once when there is something to tell.
package pullpoint
