// SPDX-License-Identifier: GPL-3.0-or-later

package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/IOTechSystems/onvif"
	"github.com/IOTechSystems/onvif/media"

	"github.com/moonfirefs/moonfirefs/camera"
)

const (
	// askTimeout bounds all that is asked of one camera.
	askTimeout = 5 * time.Second
	// maxAnswerBytes bounds an answer, maxStreams what is taken from it.
	maxAnswerBytes = 1 << 20
	maxStreams     = 16
	maxURLBytes    = 1000
)

// Stream is a media profile.
type Stream struct {
	// Profile is its name, Codec the name of its video encoding in ONVIF.
	Profile string `json:"profile"`
	Codec   string `json:"codec"`
	// Width and Height are in pixels, 0 if not known.
	Width  int `json:"width"`
	Height int `json:"height"`
	// URL is one to record from. It holds no user name or password: where a camera
	// has put them into it, it is redacted.
	URL string `json:"url"`
}

// bounded is a transport to one camera.
type bounded struct{ ctx context.Context }

// RoundTrip bounds time and size of an answer.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request.WithContext(b.ctx))
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxAnswerBytes), response.Body}
	}
	return response, err
}

// errUnclear is what becomes of an answer that the library cannot cope with.
var errUnclear = errors.New("it does not answer as ONVIF prescribes")

// askForStreams fills in Streams, or Error.
func (c *Camera) askForStreams(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := &http.Client{Transport: bounded{ctx}}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	streams, err := ask(client, c.Address, o)
	if err != nil {
		c.Error = printable(err.Error())
		return
	}
	c.Streams = streams
}

// ask makes the requests. The library trusts what it gets, and panics where that
// makes no sense.
func ask(client *http.Client, address string, o Options) (streams []Stream, err error) {
	var device *onvif.Device
	defer func() {
		switch p := recover(); {
		case p != nil && device == nil:
			err = errUnclear
		case p != nil: // by a refusal without the words that are prescribed for it
			streams, err = nil, explain(o)
		}
	}()
	params := onvif.DeviceParams{Xaddr: address, HttpClient: client, AuthMode: onvif.NoAuth}
	if o.Username != "" {
		params.Username, params.Password, params.AuthMode = o.Username, o.Password, onvif.UsernameTokenAuth
	}
	device, err = onvif.NewDevice(params)
	if err != nil {
		return nil, errUnclear
	}
	answer, err := device.CallOnvifFunction(onvif.MediaWebService, onvif.GetProfiles, nil)
	profiles, ok := answer.(*media.GetProfilesResponse)
	if err != nil || !ok {
		return nil, explain(o)
	}
	streams = []Stream{}
	for i := range profiles.Profiles[:min(len(profiles.Profiles), maxStreams)] {
		profile := &profiles.Profiles[i]
		s := Stream{Profile: printable(string(profile.Name))}
		if video := profile.VideoEncoderConfiguration; video != nil && video.Encoding != nil {
			s.Codec = printable(string(*video.Encoding))
			if r := video.Resolution; r != nil && r.Width != nil && r.Height != nil {
				s.Width, s.Height = int(*r.Width), int(*r.Height)
			}
		}
		address, err := streamURL(device, string(profile.Token))
		if err != nil {
			return nil, explain(o)
		}
		s.URL = withoutCredentials(address, o)
		streams = append(streams, s)
	}
	return streams, nil
}

// explain says what is most likely wrong. The library's errors quote the camera.
func explain(o Options) error {
	if o.Username == "" {
		return errors.New("it wants a user name and a password before it tells its streams")
	}
	return errors.New("it does not tell its streams: the user name or the password may be wrong")
}

func streamURL(device *onvif.Device, token string) (string, error) {
	request, err := json.Marshal(map[string]any{
		"StreamSetup":  map[string]any{"Stream": "RTP-Unicast", "Transport": map[string]any{"Protocol": "RTSP"}},
		"ProfileToken": token,
	})
	if err != nil {
		return "", err
	}
	answer, err := device.CallOnvifFunction(onvif.MediaWebService, onvif.GetStreamUri, request)
	if err != nil {
		return "", err
	}
	uri, ok := answer.(*media.GetStreamUriResponse)
	if !ok {
		return "", fmt.Errorf("unexpected answer %T", answer)
	}
	return string(uri.MediaUri.Uri), nil
}

// withoutCredentials keeps the values in a query, which mostly say which stream is
// meant, unless they are the user's.
func withoutCredentials(address string, o Options) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "rtsp" && u.Scheme != "rtsps" || len(address) > maxURLBytes {
		return ""
	}
	u.User = nil
	plain := u.String()
	if unescaped, err := url.QueryUnescape(plain); err != nil || o.Password != "" && strings.Contains(unescaped, o.Password) {
		return camera.Redact(plain)
	}
	return plain
}
