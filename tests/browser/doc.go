// Package browser looks at the web pages with a real browser, over a hub with a
// real database in the same process.
//
// With SCREENSHOTS set to a directory, the tests leave pictures of all pages
// there, light and dark. CHROMIUM names another browser than /usr/bin/chromium.
package browser
