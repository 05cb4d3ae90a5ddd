// SPDX-License-Identifier: GPL-3.0-or-later

// Package mqtt takes events from an MQTT broker: those that Frigate publishes, and topics that
// are on or off as home automation has them.
//
// It is an optional room of events: nothing but cmd imports it, and where no broker is given
// nothing of it runs.
//
//   - Config says which broker, and which topics mean what.
//   - Listener is connected, again and again, until it is closed.
//
// # Caveats
//
// What a broker sends is anybody's. Messages are bounded in number, size and pace; what is not
// understood is dropped, with a line of the level debug. The library believes what it reads: what
// a filter does not let through, it does not see.
//
// While there is no connection nobody says that something is off. So whatever is on ends when
// the connection is lost, and begins anew if the broker says so when it is back, as it does of
// retained messages.
package mqtt
