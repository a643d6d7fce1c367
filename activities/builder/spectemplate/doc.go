// Package spectemplate fills in the templates of spec files that wrap the files of
// a build in RPMs.
//
// Koji fills them in with Cheetah, which runs what Python a template holds, on the
// build host and outside of any buildroot. This is the part of Cheetah's language
// that such templates are written in, and nothing that can reach the host:
//
//	$version  ${version}  $maven_info.group_id  $artifacts['.jar'][0]   placeholders
//	${version.replace('-', '_')}                                       with an expression
//	#for $file in $all_artifacts ... #end for                          also over pairs
//	#if ... #elif ... #else ... #end if, #unless ... #end unless
//	#set $n = 0, #set $n += 1
//	#raw ... #end raw, #slurp, #silent EXPR, #echo EXPR
//	## a comment, #* a longer one *#, \$ and \#
//
// Expressions are Python's: texts, whole numbers, lists, True, False and None; or,
// and, not; comparisons, in, not in; + - *; indices and slices; the functions len,
// str, int, range, sorted and enumerate; the methods of texts replace, split, join,
// strip, lstrip, rstrip, lower, upper, startswith and endswith, and of dictionaries
// get, keys, values and items, which are in the order of the keys.
//
// A directive alone on its line leaves nothing of the line. Cheetah's other
// directives (#import, #def, #include ...) are an error that names them; any other
// "#" is text, as in a spec file's own comments.
package spectemplate
