<?php readfile('[[.Base]]conversation?fragment=1&url=' . urlencode('[[.Origin]]' . strtok($_SERVER['REQUEST_URI'], '?'))); ?>
