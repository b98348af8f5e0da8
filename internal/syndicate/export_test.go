package syndicate

// Clusters is for the test of the table.
var Clusters = clusters
