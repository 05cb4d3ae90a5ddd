// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs/internal/discovery"
	"github.com/moonfirefs/moonfirefs/internal/test/netns"
)

// onvif is a device that answers to WS-Discovery and tells its streams to whoever
// has credentials. What else answers there makes no sense.
type onvif struct{ t *testing.T }

const soapEnvelope = `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><e:Body>%s</e:Body></e:Envelope>`

// answerProbes answers each probe, several times over, among nonsense.
func (o onvif) answerProbes(conn *net.UDPConn) {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		if !bytes.Contains(buffer[:n], []byte("NetworkVideoTransmitter")) {
			o.t.Errorf("probe %s", buffer[:n])
		}
		match := fmt.Sprintf(soapEnvelope, `<d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>`+
			`<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Front%20Door onvif://www.onvif.org/hardware/X-100`+"\x1b"+`</d:Scopes>`+
			`<d:XAddrs>http://[fe80::1%25]/x http://`+netns.CameraIP+`/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches>`)
		for _, answer := range []string{"", "\x00\xff", "<", "<a/>", strings.Replace(match, "\x1b", "", 1), match, strings.Replace(match, "\x1b", "", 1)} {
			_, _ = conn.WriteToUDP([]byte(answer), from)
		}
	}
}

// ServeHTTP answers what is asked of the device.
func (o onvif) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	service := "http://" + netns.CameraIP + "/onvif/media"
	answer := ""
	switch asked := string(body); {
	case strings.Contains(asked, "GetCapabilities"):
		answer = `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>` + service + `</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`
	case !strings.Contains(asked, "<wsse:Username>admin<") && !strings.Contains(asked, ">admin</"):
		w.WriteHeader(http.StatusUnauthorized)
	case strings.Contains(asked, "s3cret"):
		o.t.Error("the password travels in the clear")
	case strings.Contains(asked, "GetProfiles"):
		answer = `<trt:GetProfilesResponse>` + profile("p1", "main", 1920, 1080) + profile("p2", "sub", 640, 360) + `</trt:GetProfilesResponse>`
	case strings.Contains(asked, "GetStreamUri") && strings.Contains(asked, ">p1<"):
		answer = streamURI(`rtsp://admin:s3cret@` + netns.CameraIP + `:554/live?channel=1&amp;subtype=0`)
	case strings.Contains(asked, "GetStreamUri") && strings.Contains(asked, ">p2<"):
		answer = streamURI(`rtsp://` + netns.CameraIP + `/live?user=admin&amp;password=s3cret`)
	}
	_, _ = fmt.Fprintf(w, soapEnvelope, answer)
}

func profile(token, name string, width, height int) string {
	return fmt.Sprintf(`<trt:Profiles token="%s" fixed="true"><tt:Name>%s</tt:Name><tt:VideoEncoderConfiguration token="v"><tt:Encoding>H264</tt:Encoding>`+
		`<tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles>`, token, name, width, height)
}

func streamURI(uri string) string {
	return `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>` + uri + `</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>`
}

// TestCameraDiscover ensures that a camera in the network is found, once, whatever
// else answers, with its streams if the credentials are right, and without the
// password in what is printed.
func TestCameraDiscover(t *testing.T) {
	t.Parallel()
	c := netns.New(t)
	discover := func(args ...string) (output string, err error) {
		cmd := c.Command(os.Args[0], append([]string{"camera", "discover"}, args...)...)
		cmd.Env = append(os.Environ(), beProgram+"=1", passwordVariable+"=s3cret")
		combined, err := cmd.CombinedOutput()
		requireNoSecret(t, string(combined))
		return string(combined), err
	}
	if output, err := discover("--username", "admin"); err == nil || !strings.Contains(output, "no camera answered") {
		t.Errorf("with nobody there: %v, %s", err, output)
	}

	device := onvif{t}
	var conn *net.UDPConn
	mustDo(t, netns.In(c.Camera, func() error {
		veth, err := net.InterfaceByName(netns.Device)
		if err != nil {
			return err
		}
		conn, err = net.ListenMulticastUDP("udp4", veth, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 3702})
		return err
	}))
	listener, err := c.Listen("tcp", netns.CameraIP+":80")
	mustDo(t, err)
	server := &http.Server{Handler: device}
	done := make(chan struct{}, 2)
	go func() { device.answerProbes(conn); done <- struct{}{} }()
	go func() { _ = server.Serve(listener); done <- struct{}{} }()
	defer func() { conn.Close(); server.Close(); <-done; <-done }()

	output, err := discover("--username", "admin")
	want := netns.CameraIP + "  Front Door X-100\n" +
		"  rtsp://" + netns.CameraIP + ":554/live?channel=1&subtype=0  (main, H264, 1920×1080)\n" +
		"  rtsp://" + netns.CameraIP + "/live?user=***&password=***  (sub, H264, 640×360)\n"
	if err != nil || !strings.HasSuffix(output, want) {
		t.Errorf("%v: got\n%swant\n%s", err, output, want)
	}
	output, err = discover("--username", "guest", "--json", "--interface", netns.Device)
	_, output, _ = strings.Cut(output, "\n")
	var found []discovery.Camera
	if err != nil || json.Unmarshal([]byte(output), &found) != nil || len(found) != 1 {
		t.Fatalf("%v: %s", err, output)
	}
	if f := found[0]; f.Address != netns.CameraIP || f.Name != "Front Door" || f.Model != "X-100" || len(f.Streams) != 0 || !strings.Contains(f.Error, "password") {
		t.Errorf("%+v", f)
	}
}
