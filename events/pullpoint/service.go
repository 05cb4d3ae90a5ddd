// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// callTimeout is how long a camera has for an answer.
	callTimeout = 10 * time.Second
	// pullTimeout is how long it may wait for something to tell, pullMessages the most that it
	// tells at a time.
	pullTimeout  = 20 * time.Second
	pullMessages = 100
	// subscribedFor is how long a subscription lasts unless it is renewed.
	subscribedFor = 5 * time.Minute

	deviceNamespace = "http://www.onvif.org/ver10/device/wsdl"
	eventNamespace  = "http://www.onvif.org/ver10/events/wsdl"
	notifyNamespace = "http://docs.oasis-open.org/wsn/b-2"
)

// learnSkew compares the camera's clock, which it tells to everybody. One that does not is
// taken to be right.
func (c *client) learnSkew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer struct {
		UTC struct {
			Year   int `xml:"Date>Year"`
			Month  int `xml:"Date>Month"`
			Day    int `xml:"Date>Day"`
			Hour   int `xml:"Time>Hour"`
			Minute int `xml:"Time>Minute"`
			Second int `xml:"Time>Second"`
		} `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime"`
	}
	plain := &client{http: c.http, device: c.device, username: c.username, password: c.password, anonymous: true}
	err := plain.call(ctx, c.device, deviceNamespace+"/GetSystemDateAndTime", "", `<GetSystemDateAndTime xmlns="`+deviceNamespace+`"/>`, &answer)
	if u := answer.UTC; err == nil && u.Year > 1970 && u.Year < 10000 {
		c.skew = time.Until(time.Date(u.Year, time.Month(u.Month), u.Day, u.Hour, u.Minute, u.Second, 0, time.UTC))
	}
	c.login = plain.login
	return err
}

// eventService asks where the service of events is.
func (c *client) eventService(ctx context.Context) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer struct {
		Address string `xml:"Body>GetCapabilitiesResponse>Capabilities>Events>XAddr"`
	}
	err := c.call(ctx, c.device, deviceNamespace+"/GetCapabilities", "",
		`<GetCapabilities xmlns="`+deviceNamespace+`"><Category>Events</Category></GetCapabilities>`, &answer)
	if err != nil {
		return nil, fmt.Errorf("ask for the service of events: %w", err)
	}
	return c.at(answer.Address)
}

// subscription is what a camera keeps for us.
type subscription struct {
	*client
	address *url.URL
	// header is what it wants to be told each time.
	header string
	// renewed is when it was made or renewed last.
	renewed time.Time
}

// subscribe makes a subscription of all events.
func (c *client) subscribe(ctx context.Context, service *url.URL) (*subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var answer struct {
		Reference struct {
			Address    string `xml:"Address"`
			Parameters struct {
				XML string `xml:",innerxml"`
			} `xml:"ReferenceParameters"`
		} `xml:"Body>CreatePullPointSubscriptionResponse>SubscriptionReference"`
	}
	err := c.call(ctx, service, eventNamespace+"/EventPortType/CreatePullPointSubscriptionRequest", "",
		fmt.Sprintf(`<CreatePullPointSubscription xmlns="%s"><InitialTerminationTime>%s</InitialTerminationTime></CreatePullPointSubscription>`,
			eventNamespace, xmlDuration(subscribedFor)), &answer)
	if err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	address, err := c.at(answer.Reference.Address)
	if err != nil {
		return nil, err
	}
	header := answer.Reference.Parameters.XML
	// It comes back as it was, if it can stand alone: its namespaces may be declared outside.
	if len(header) > 4096 || decode([]byte("<x>"+header+"</x>"), new(struct{})) != nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "the camera's subscription has strange parameters")
	}
	return &subscription{c, address, header, time.Now()}, nil
}

func xmlDuration(d time.Duration) string { return fmt.Sprintf("PT%dS", int(d.Seconds())) }

// pull waits for what has happened.
func (s *subscription) pull(ctx context.Context) ([]notification, error) {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout+callTimeout)
	defer cancel()
	var answer struct {
		Messages []notification `xml:"Body>PullMessagesResponse>NotificationMessage"`
	}
	err := s.call(ctx, s.address, eventNamespace+"/PullPointSubscription/PullMessagesRequest", s.header,
		fmt.Sprintf(`<PullMessages xmlns="%s"><Timeout>%s</Timeout><MessageLimit>%d</MessageLimit></PullMessages>`,
			eventNamespace, xmlDuration(pullTimeout), pullMessages), &answer)
	if err != nil {
		return nil, fmt.Errorf("pull events: %w", err)
	}
	return answer.Messages[:min(len(answer.Messages), 10*pullMessages)], nil
}

// renew makes the subscription last, once half of its time is over.
func (s *subscription) renew(ctx context.Context) error {
	if time.Since(s.renewed) < subscribedFor/2 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := s.call(ctx, s.address, notifyNamespace+"w-2/SubscriptionManager/RenewRequest", s.header,
		fmt.Sprintf(`<Renew xmlns="%s"><TerminationTime>%s</TerminationTime></Renew>`, notifyNamespace, xmlDuration(subscribedFor)), nil)
	if err != nil {
		return fmt.Errorf("renew subscription: %w", err)
	}
	s.renewed = time.Now()
	return nil
}

// end tells the camera that nobody will ask again. It forgets the subscription in time anyway.
func (s *subscription) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = s.call(ctx, s.address, notifyNamespace+"w-2/SubscriptionManager/UnsubscribeRequest", s.header,
		`<Unsubscribe xmlns="`+notifyNamespace+`"/>`, nil)
}

// notification is something that has happened, or the state of something.
type notification struct {
	Topic   string `xml:"Topic"`
	Message struct {
		Operation string `xml:"PropertyOperation,attr"`
		Source    []item `xml:"Source>SimpleItem"`
		Data      []item `xml:"Data>SimpleItem"`
	} `xml:"Message>Message"`
}

type item struct {
	Name  string `xml:"Name,attr"`
	Value string `xml:"Value,attr"`
}
