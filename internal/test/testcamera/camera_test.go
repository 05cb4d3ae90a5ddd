// SPDX-License-Identifier: GPL-3.0-or-later

package testcamera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// viewer is a client that collects the access units it receives.
type viewer struct {
	client *gortsplib.Client
	format format.Format

	mu    sync.Mutex
	units [][][]byte
	times []uint32
}

// view plays the stream at an address.
func view(address string, transport gortsplib.Protocol) (*viewer, error) {
	parsed, err := base.ParseURL(address)
	if err != nil {
		return nil, err
	}
	v := &viewer{client: &gortsplib.Client{Scheme: parsed.Scheme, Host: parsed.Host, Protocol: &transport}}
	if err := v.client.Start(); err != nil {
		return nil, err
	}
	if err := v.play(parsed); err != nil {
		v.client.Close()
		return nil, err
	}
	return v, nil
}

func (v *viewer) play(parsed *base.URL) error {
	session, _, err := v.client.Describe(parsed)
	if err != nil {
		return err
	}
	media := session.Medias[0]
	v.format = media.Formats[0]
	decoder, err := newDepacketizer(v.format)
	if err != nil {
		return err
	}
	if err := v.client.SetupAll(session.BaseURL, []*description.Media{media}); err != nil {
		return err
	}
	v.client.OnPacketRTP(media, v.format, func(packet *rtp.Packet) { v.receive(decoder, packet) })
	_, err = v.client.Play(nil)
	return err
}

// depacketizer puts access units together from RTP packets.
type depacketizer interface {
	Decode(packet *rtp.Packet) ([][]byte, error)
}

func newDepacketizer(f format.Format) (depacketizer, error) {
	switch f := f.(type) {
	case *format.H264:
		return f.CreateDecoder()
	case *format.H265:
		return f.CreateDecoder()
	}
	return nil, errors.New("neither H.264 nor H.265 in the session description")
}

func (v *viewer) receive(decoder depacketizer, packet *rtp.Packet) {
	nals, err := decoder.Decode(packet)
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.units = append(v.units, nals)
	v.times = append(v.times, packet.Timestamp)
}

// wait waits until n access units have been received.
func (v *viewer) wait(t *testing.T, n int) (units [][][]byte, times []uint32) {
	t.Helper()
	wait.Until(t, fmt.Sprintf("%d frames", n), func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		units, times = v.units, v.times
		return len(units) >= n
	})
	return units, times
}

// quickMedia and quickHEVCMedia are a second of pictures.
var (
	quickMedia     = sync.OnceValues(func() (*Media, error) { return Encode(context.Background(), Params{}, 15) })
	quickHEVCMedia = sync.OnceValues(func() (*Media, error) { return Encode(context.Background(), Params{Codec: H265}, 15) })
)

// startHEVC starts a camera that plays H.265.
func startHEVC(t *testing.T, config Config) *Camera {
	t.Helper()
	media, err := quickHEVCMedia()
	if err != nil {
		t.Fatal(err)
	}
	config.Source, config.Speed = media, 8
	return start(t, config)
}

func start(t *testing.T, config Config) *Camera {
	t.Helper()
	if config.Source == nil {
		media, err := quickMedia()
		if err != nil {
			t.Fatal(err)
		}
		config.Source = media
		config.Speed = 8
	}
	camera, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := camera.Close(); err != nil {
			t.Error(err)
		}
	})
	return camera
}

func mustView(t *testing.T, camera *Camera) *viewer {
	t.Helper()
	v, err := view(camera.URL(), gortsplib.ProtocolTCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.client.Close)
	return v
}

func equalUnits(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, func(x, y []byte) bool { return string(x) == string(y) })
}

// A camera remembers what a client received, and repeats its media.
func TestSentIsWhatWasReceived(t *testing.T) {
	tests := map[string]struct {
		start     func(*testing.T, Config) *Camera
		transport moonfirefs.Transport
		client    gortsplib.Protocol
	}{
		"H.264 over TCP": {start, moonfirefs.TCP, gortsplib.ProtocolTCP},
		"H.264 over UDP": {start, moonfirefs.UDP, gortsplib.ProtocolUDP},
		"H.265 over TCP": {startHEVC, moonfirefs.TCP, gortsplib.ProtocolTCP},
		"H.265 over UDP": {startHEVC, moonfirefs.UDP, gortsplib.ProtocolUDP},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			camera := test.start(t, Config{Transports: []moonfirefs.Transport{test.transport}})
			v, err := view(camera.URL(), test.client)
			if err != nil {
				t.Fatal(err)
			}
			units, times := v.wait(t, 40)
			v.client.Close()
			sent := camera.Sent()
			for i := range 40 {
				if !equalUnits(units[i], sent[i].NALs) || times[i] != uint32(sent[i].PTS90k) {
					t.Errorf("frame %d was not received as it was sent", i)
				}
				if sent[i].Run != 1 || sent[i].Index != sent[0].Index+int64(i) || int64(sent[i].Counter) != sent[i].Index%15 {
					t.Errorf("frame %d is remembered as %d, run %d, counter %d", i, sent[i].Index, sent[i].Run, sent[i].Counter)
				}
			}
		})
	}
}

// A live source goes on counting, in real time.
func TestLive(t *testing.T) {
	for _, codec := range []Codec{H264, H265} {
		t.Run(string(codec), func(t *testing.T) { testLive(t, codec) })
	}
}

func testLive(t *testing.T, codec Codec) {
	live, err := NewLive(Params{GOP: 5, Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	camera := start(t, Config{Source: live})
	mustView(t, camera).wait(t, 20)
	sent := camera.Sent()
	first := slices.IndexFunc(sent, func(f SentFrame) bool { return f.Sync })
	var units [][][]byte
	for i, frame := range sent[first:] {
		units = append(units, frame.NALs)
		if i > 0 && frame.PTS90k <= sent[first+i-1].PTS90k {
			t.Errorf("frame %d: the time stamp does not increase", i)
		}
	}
	for i, counter := range decodedCounters(t, codec, units) {
		if counter != sent[first+i].Counter {
			t.Errorf("frame %d shows %d, but should show %d", i, counter, sent[first+i].Counter)
		}
	}
}

// A stopped camera refuses connections; after a restart it is at the same
// address, and its source has gone on.
func TestStopAndRestart(t *testing.T) {
	camera := start(t, Config{})
	address := camera.URL()
	mustView(t, camera).wait(t, 3)
	camera.Stop()
	camera.Stop()
	if v, err := view(address, gortsplib.ProtocolTCP); err == nil {
		v.client.Close()
		t.Fatal("a stopped camera accepts a connection")
	}
	before := len(camera.Sent())
	if err := camera.Restart(); err != nil {
		t.Fatal(err)
	}
	if camera.URL() != address {
		t.Errorf("%s after a restart, %s before", camera.URL(), address)
	}
	mustView(t, camera).wait(t, 3)
	sent := camera.Sent()
	if sent[before-1].Run != 1 || sent[before].Run != 2 || sent[before].Index <= sent[before-1].Index {
		t.Errorf("frame %d of run %d follows frame %d of run %d", sent[before].Index, sent[before].Run, sent[before-1].Index, sent[before-1].Run)
	}
}

// waitForSource waits until the source has delivered n more frames.
func waitForSource(t *testing.T, camera *Camera, n int64) {
	t.Helper()
	delivered := func() int64 {
		camera.mu.Lock()
		defer camera.mu.Unlock()
		return camera.frames
	}
	end := delivered() + n
	wait.Until(t, fmt.Sprintf("%d more frames", n), func() bool { return delivered() >= end })
}

// A stalled camera sends nothing, but keeps the connection.
func TestStallAndResume(t *testing.T) {
	camera := start(t, Config{})
	v := mustView(t, camera)
	v.wait(t, 3)
	camera.Stall()
	stalled := len(camera.Sent())
	waitForSource(t, camera, 5)
	if got := len(camera.Sent()); got != stalled {
		t.Errorf("%d frames were sent during a stall", got-stalled)
	}
	camera.Resume()
	v.wait(t, stalled+3)
	sent := camera.Sent()
	if sent[stalled].Run != 1 || sent[stalled].Index == sent[stalled-1].Index+1 {
		t.Error("the frames of the stall were not lost")
	}
}

func TestAuthentication(t *testing.T) {
	for name, basic := range map[string]bool{"digest": false, "basic": true} {
		camera := start(t, Config{Username: "admin", Password: "secret", Basic: basic})
		for user, want := range map[string]bool{"admin:secret": true, "admin:wrong": false, "root:secret": false, "": false} {
			address, err := url.Parse(camera.URL())
			if err != nil {
				t.Fatal(err)
			}
			if user != "" {
				name, password, _ := strings.Cut(user, ":")
				address.User = url.UserPassword(name, password)
			}
			v, err := view(address.String(), gortsplib.ProtocolTCP)
			if err == nil {
				v.client.Close()
			}
			if (err == nil) != want {
				t.Errorf("%s as %q: %v", name, user, err)
			}
		}
	}
}

func TestWrongPathAndTransport(t *testing.T) {
	camera := start(t, Config{})
	var status liberrors.ErrClientBadStatusCode
	if _, err := view(camera.URL()+"2", gortsplib.ProtocolTCP); !errors.As(err, &status) || status.Code != base.StatusNotFound {
		t.Errorf("wrong path: %v", err)
	}
	if _, err := view(camera.URL(), gortsplib.ProtocolUDP); !errors.As(err, &status) || status.Code != base.StatusUnsupportedTransport {
		t.Errorf("wrong transport: %v", err)
	}
}

// Parameter sets are in the session description, unless they are to be left
// out.
func TestSprop(t *testing.T) {
	for _, without := range []bool{false, true} {
		avc := mustView(t, start(t, Config{WithoutSprop: without})).format.(*format.H264)
		if sps, pps := avc.SPS, avc.PPS; (sps == nil) != without || (pps == nil) != without {
			t.Errorf("H.264 without sprop %v: SPS %x, PPS %x", without, sps, pps)
		}
		hevc := mustView(t, startHEVC(t, Config{WithoutSprop: without})).format.(*format.H265)
		if vps, sps, pps := hevc.VPS, hevc.SPS, hevc.PPS; (vps == nil) != without || (sps == nil) != without || (pps == nil) != without {
			t.Errorf("H.265 without sprop %v: VPS %x, SPS %x, PPS %x", without, vps, sps, pps)
		}
	}
}

// Memory is bounded where that is asked for.
func TestKeepSent(t *testing.T) {
	camera := start(t, Config{KeepSent: 5})
	mustView(t, camera).wait(t, 30)
	sent := camera.Sent()
	if len(sent) != 5 || sent[4].Index != sent[0].Index+4 || sent[0].Index < 20 {
		t.Errorf("%d frames are kept", len(sent))
	}
}

// Eight cameras play the same media at once.
func TestManyCameras(t *testing.T) {
	var viewers []*viewer
	for range 8 {
		viewers = append(viewers, mustView(t, start(t, Config{})))
	}
	for _, v := range viewers {
		v.wait(t, 30)
	}
}

func TestCloseTwice(t *testing.T) {
	camera := start(t, Config{})
	if err := camera.Close(); err != nil {
		t.Error(err)
	}
	if err := camera.Close(); err != nil {
		t.Error(err)
	}
}
