// Package howto follows the pages of docs/howto literally. A page's blocks of code
// say what they are in the words behind their fence:
//
//	```go koji/tasks/count_lines.go     a file to write
//	```diff workflows/register.go       lines to add behind others in a file
//	```sh test                          commands to run, found by this name
//
// Blocks of anything else are for people. What a page adds to Toji goes into a
// copy of the source tree, is tested and built there, and a stack runs of it.
package howto
